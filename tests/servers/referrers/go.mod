module pilothouse.invalid/tests/servers/referrers

go 1.26.0

godebug default=go1.26

require github.com/google/go-containerregistry v0.20.3
