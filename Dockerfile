# The server as an image: Node and the bundle. Usage: docker/README.md; design: docs/decisions/0010-debian-slim-image.md.
#
#   docker build --tag mcp-message-center-server .
#   docker build --target emulator .          the emulated tenant, for docker/compose.yaml; never the default
ARG NODE_IMAGE=node:24-bookworm-slim
# What node:24-bookworm-slim itself is made from. Nothing is run in the stages below that use it, so any image with
# glibc and libstdc++ will do.
ARG BASE_IMAGE=debian:bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
# No package may run code of its own here.
RUN npm ci --ignore-scripts
COPY . .
RUN ["node", "scripts/build.mjs", "/app"]
RUN ["node", "scripts/build.mjs", "/emulator", "emulator/main.ts"]
COPY package.json LICENSE docker/healthcheck.mjs /app/
RUN ["node", "docker/fill-compile-cache.mjs", "/app", "10001"]

FROM ${BASE_IMAGE} AS runtime
COPY --from=build /usr/local/bin/node /usr/local/bin/node
COPY --from=build /usr/local/LICENSE /usr/share/doc/nodejs/LICENSE
COPY --from=build --chown=0:0 /app /app
# A number, so that an orchestrator can see that it is not root. The compile cache is of this user.
USER 10001:10001
WORKDIR /app
# Node itself is process 1: it handles SIGTERM and SIGINT (src/server.ts) and starts no process that would have to be
# reaped, so there is nothing for an init to do.
STOPSIGNAL SIGTERM

FROM runtime AS emulator
COPY --from=build --chown=0:0 /emulator /emulator
COPY package.json /emulator/
EXPOSE 9600
CMD ["node", "/emulator/main.js"]
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s CMD ["node", "/app/healthcheck.mjs", "9600", "/_emulator/users"]
LABEL org.opencontainers.image.title="Message Center tenant emulator" \
      org.opencontainers.image.description="An emulated Microsoft 365 tenant: any user signs in without a password" \
      org.opencontainers.image.licenses="MIT"

FROM runtime AS server
ENV NODE_ENV=production \
    PORT=8080 \
    NODE_COMPILE_CACHE=/app/.compile-cache
EXPOSE 8080
CMD ["node", "--disable-sigusr1", "/app/server.js"]
HEALTHCHECK --interval=30s --timeout=3s --start-period=10s CMD ["node", "/app/healthcheck.mjs"]
# Whoever publishes it says where it comes from.
ARG SOURCE=
ARG REVISION=
LABEL org.opencontainers.image.title="mcp-message-center-server" \
      org.opencontainers.image.description="An MCP server that reads a Microsoft 365 tenant's Message Center as the signed-in user" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="MIT" \
      org.opencontainers.image.source="${SOURCE}" \
      org.opencontainers.image.revision="${REVISION}" \
      io.modelcontextprotocol.server.name="com.example/mcp-message-center-server"
