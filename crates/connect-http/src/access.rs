//! How we sign in: a token, a user with a password, a tenant, one header more. Each is sent, and said nowhere.

use crate::fields::Fields;
use base64::{Engine, engine::general_purpose::STANDARD};
use pilothouse_connect::{FieldSpec, GONE, InputSpec};
use pilothouse_wire::Problem;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderName, HeaderValue};
use secrecy::{ExposeSecret, SecretString};

const TENANT: &str = "tenant";
const USER: &str = "username";
const PASSWORD: &str = "password";
const TOKEN: &str = "token";
const HEADER: &str = "header";

/// The headers in which servers look for a tenant. Who knows one of them does not mind the other.
const TENANT_HEADERS: [&str; 2] = ["x-scope-orgid", "thanos-tenant"];

/// Secrets that are shorter than this are too common to be searched for in texts.
const SHORTEST: usize = 4;

/// The tenant of a server that has many.
pub const TENANT_FIELD: FieldSpec = FieldSpec {
    key: TENANT,
    label: "Tenant",
    help: "Sent as X-Scope-OrgID, to Mimir, Cortex and servers behind a gateway of that kind, and as THANOS-TENANT. A \
           VictoriaMetrics cluster has it in the address instead: /select/TENANT/prometheus.",
    input: InputSpec::Text("team-a"),
    required: false,
};

/// The user of basic authentication.
pub const USER_FIELD: FieldSpec = FieldSpec {
    key: USER,
    label: "User name",
    help: "For servers that ask for a user and a password.",
    input: InputSpec::Text("oncall"),
    required: false,
};

/// The password of basic authentication.
pub const PASSWORD_FIELD: FieldSpec = FieldSpec {
    key: PASSWORD,
    label: "Password",
    help: "Sent with the user name.",
    input: InputSpec::Secret,
    required: false,
};

/// A bearer token.
pub const TOKEN_FIELD: FieldSpec = FieldSpec {
    key: TOKEN,
    label: "Token",
    help: "Sent as Authorization: Bearer, instead of a user and a password.",
    input: InputSpec::Secret,
    required: false,
};

/// Any one header. It is a secret since it mostly holds one.
pub const HEADER_FIELD: FieldSpec = FieldSpec {
    key: HEADER,
    label: "Header",
    help: "One header more, as \"Name: value\", where a gateway wants its own. It is kept like a password.",
    input: InputSpec::Secret,
    required: false,
};

/// The headers that say who we are.
#[derive(Clone, Default)]
pub struct Access {
    /// Headers of every request, marked so that no library logs them.
    pub headers: HeaderMap,
    /// Who we sign in as, for people.
    pub who: Option<String>,
    hidden: Vec<SecretString>,
}

impl Access {
    /// What was filled in.
    ///
    /// # Errors
    /// If two ways to sign in are filled in, or one by half, or a value cannot be sent as a header.
    pub fn of(fields: &Fields<'_>) -> Result<Self, Problem> {
        let mut access = Self::default();
        if let Some(tenant) = fields.text(TENANT) {
            let value = HeaderValue::from_str(tenant).map_err(|_| fields.bad(TENANT, NO_HEADER))?;
            access.headers.extend(TENANT_HEADERS.map(|name| (HeaderName::from_static(name), value.clone())));
        }
        match (fields.text(USER), fields.secret(PASSWORD), fields.secret(TOKEN)) {
            (None, None, None) => {}
            (None, None, Some(token)) => {
                access.authorize(format!("Bearer {}", token.expose_secret()), TOKEN, fields)?;
                access.hidden.push(token);
            }
            (Some(user), Some(password), None) => {
                let pair = STANDARD.encode(format!("{user}:{}", password.expose_secret()));
                access.authorize(format!("Basic {pair}"), PASSWORD, fields)?;
                access.hidden.extend([password, pair.into()]);
                access.who = Some(user.to_owned());
            }
            (Some(_), None, None) => return Err(fields.bad(PASSWORD, "There is a user name, and no password.")),
            (None, Some(_), None) => return Err(fields.bad(USER, "There is a password, and no user name.")),
            (.., Some(_)) => {
                return Err(fields.bad(TOKEN, "There is a token, and a user name or password: one of the two."));
            }
        }
        if let Some(line) = fields.secret(HEADER) {
            access.further(&line, fields)?;
        }
        Ok(access)
    }

    fn authorize(&mut self, value: String, key: &str, fields: &Fields<'_>) -> Result<(), Problem> {
        let mut value = HeaderValue::try_from(value).map_err(|_| fields.bad(key, NO_HEADER))?;
        value.set_sensitive(true);
        self.headers.insert(AUTHORIZATION, value);
        Ok(())
    }

    fn further(&mut self, line: &SecretString, fields: &Fields<'_>) -> Result<(), Problem> {
        let bad = |why: &str| fields.bad(HEADER, why);
        let (name, value) = line.expose_secret().split_once(':').ok_or_else(|| bad("There is no : in it."))?;
        let name = HeaderName::try_from(name.trim()).map_err(|_| bad("What stands before the : is no header."))?;
        let text = value.trim();
        let mut value = HeaderValue::from_str(text).map_err(|_| bad(NO_HEADER))?;
        value.set_sensitive(true);
        if self.headers.contains_key(&name) {
            return Err(bad("Another field fills in the same header."));
        }
        self.headers.insert(name, value);
        // Of `Bearer …`: a server may repeat the one part or the whole.
        let parts = text.split_whitespace().map(str::to_owned).map(SecretString::from);
        self.hidden.push(text.to_owned().into());
        self.hidden.extend(parts);
        Ok(())
    }

    /// A server's words without our secrets, should it repeat them.
    #[must_use]
    pub fn taken_out_of(&self, text: &str) -> String {
        let hidden = self.hidden.iter().map(ExposeSecret::expose_secret).filter(|secret| secret.len() >= SHORTEST);
        hidden.fold(text.to_owned(), |text, secret| text.replace(secret, GONE))
    }
}

/// The key of the field by which we sign in, or of the one further header.
pub(crate) fn filled(fields: &Fields<'_>) -> &'static str {
    [TOKEN, PASSWORD].into_iter().find(|key| fields.secret(key).is_some()).unwrap_or(HEADER)
}

const NO_HEADER: &str = "There are characters in it that no header may have.";
