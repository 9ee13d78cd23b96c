package ecs

import "flag"

// Rewrite says that tests are to write the files that they compare with.
var Rewrite = flag.Bool("rewrite", false, "write testdata and docs/compatibility.md anew")
