//! Words of which prompts are made: short and common, since those are one token each in most tokenizers.

/// The words.
pub const WORDS: [&str; 64] = [
    "the", "of", "and", "to", "in", "is", "was", "for", "on", "that", "by", "this", "with", "you", "it", "not", "or",
    "be", "are", "from", "at", "as", "your", "all", "have", "new", "more", "an", "will", "home", "can", "us", "about",
    "if", "page", "my", "has", "search", "free", "but", "our", "one", "other", "do", "no", "time", "they", "site",
    "he", "up", "may", "what", "which", "their", "news", "out", "use", "any", "there", "see", "only", "so", "his",
    "when",
];
