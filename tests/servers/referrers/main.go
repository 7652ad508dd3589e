// An OCI registry that answers by the API of referrers, which distribution has not: that of go-containerregistry, in memory.
package main

import (
	"flag"
	"log"
	"net/http"

	"github.com/google/go-containerregistry/pkg/registry"
)

func main() {
	listen := flag.String("listen", "127.0.0.1:5000", "where it listens")
	flag.Parse()
	log.Fatal(http.ListenAndServe(*listen, registry.New(registry.WithReferrersSupport(true))))
}
