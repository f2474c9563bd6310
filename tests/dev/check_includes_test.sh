#!/usr/bin/env bash
# Goal: an include against the direction base <- datacenter <- wan <- program is reported with file and line, and
# an allowed one is not. How: small trees of made files, each held against the real table.
. "$(dirname "${BASH_SOURCE[0]}")/expect.sh"
cd "$project"

# including FILE PATH: a file whose third line includes PATH, checked.
including() {
  mkdir -p "$(dirname "$1")"
  printf '#pragma once\n\n#include %s\n' "$2" > "$1"
  run tools/check_includes "$1"
}
allowed() { including "$@"; expect_status 0; expect_no_output :; }
forbidden() { including "$@"; expect_status 1; expect_output "$1:3: includes ${2:1:-1}"; }

allowed src/base/a.h '"src/base/time.h"'
allowed src/base/a.h '<vector>'
forbidden src/base/a.h '"src/network/link.h"'
forbidden src/base/a.h '"datacenter/server.h"'
forbidden src/network/a.h '"src/wire/codec.h"'
allowed src/wire/a.h '"src/network/link.h"'
forbidden src/workload/a.h '"src/model/mlp.h"'
allowed src/model/a.h '"src/math/products.h"'
forbidden src/model/a.h '"src/config/config.h"'
forbidden src/math/a.h '"src/model/mlp.h"'
forbidden src/data/a.h '"src/model/mlp.h"'
forbidden src/optimizer/a.h '"src/model/mlp.h"'
forbidden src/output/a.h '"src/runtime/machine.h"'
allowed src/config/a.h '<yaml-cpp/yaml.h>'
forbidden src/config/a.h '"src/runtime/machine.h"'
forbidden src/runtime/a.h '"src/model/mlp.h"'
forbidden src/runtime/a.h '"src/config/config.h"'
forbidden src/runtime/a.h '"wan/mirror.h"'
allowed datacenter/a.h '"src/runtime/machine.h"'
forbidden datacenter/a.h '"wan/mirror.h"'
forbidden datacenter/a.h '"src/program/main.h"'
forbidden datacenter/a.h '<yaml-cpp/yaml.h>'
allowed wan/a.h '"datacenter/server.h"'
forbidden wan/emulator/a.h '"src/program/main.h"'
allowed src/program/a.h '"wan/mirror.h"'
allowed src/program/a.h '<yaml-cpp/yaml.h>'
allowed tests/wan/a.h '"src/program/main.h"'
forbidden src/program/a.h '"tests/dev/a.h"'

# A folder is matched whole, never by the beginning of its name.
allowed wander/a.h '"src/program/main.h"'
allowed src/base/a.h '"datacenters.h"'

# What looks like an include and is none; what is one in spite of its spaces.
printf '// see #include "wan/mirror.h"\n' > src/base/b.h
run tools/check_includes src/base/b.h
expect_status 0
printf '  #  include   "wan/mirror.h"\n' > src/base/b.h
run tools/check_includes src/base/b.h
expect_status 1
expect_output src/base/b.h:1:

# A relative path could lead anywhere, so it is not accepted at all.
forbidden src/base/a.h '"../../wan/mirror.h"'

# Every bad line of every file is named, and a table that cannot be read is an error.
printf '#include "wan/a.h"\n#include <vector>\n#include "wan/b.h"\n' > src/base/c.h
run tools/check_includes src/base/b.h src/base/c.h
expect_output src/base/b.h:1:
expect_output src/base/c.h:1:
expect_output src/base/c.h:3:
echo 'src/base perhaps wan' >> tools/include_directions.txt
run tools/check_includes src/base/c.h
expect_status 1
expect_output "expected FOLDER"
