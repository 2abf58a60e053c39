#!/bin/sh
# Installs plexd on a node, from a published release.
set -eu

# There is no release to install yet; saying so beats half an installation.
cat >&2 <<'EOF'
plexd: there is no published release yet, so nothing was installed.

To run plexd from a clone of its repository, with Node and npm:

  npx -y deno@2.9.6 task dev       a control plane and an agent, live
  npx -y deno@2.9.6 task plexd up  the agent alone
EOF
exit 1
