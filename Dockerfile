# syntax=docker/dockerfile:1
# Two small images from one build; compose.yaml says which command runs. The last stage, producer and worker, is what is built when none is named;
# the stand-ins for the outside systems are not in it.
#
# Small: Debian's slim image (some 75 MB), ca-certificates and the two stripped programs. Not distroless or scratch, which would save some 50 MB:
# the programs link glibc, health checks ask with bash, and who works in the container (`docker compose exec producer ...`) wants a shell.

FROM rust:1.95.0-slim-bookworm AS build
# The image's own toolchain: rust-toolchain.toml asks for tools that only developers need.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
# The caches outlive the build, so a change recompiles our crates only; what is in them must be copied out. Without debug information, the names of
# functions stay for backtraces.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release -p kanzleisync-producer -p kanzleisync-worker -p kanzleisync-simulator && \
    mkdir /programs && \
    for program in producer worker simulator; do \
        strip --strip-debug -o "/programs/kanzleisync-$program" "target/release/kanzleisync-$program" || exit 1; \
    done

FROM debian:12.12-slim AS base
# TLS trusts the system's certificates.
RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin kanzleisync
COPY --chmod=755 scripts/http-ok.sh /usr/local/bin/http-ok
USER 10001:10001
# Nothing but standard output is written; compose.yaml makes the file system read-only.
WORKDIR /tmp

FROM base AS simulator
COPY --from=build /programs/kanzleisync-simulator /usr/local/bin/
CMD ["kanzleisync-simulator"]

FROM base AS program
COPY --from=build /programs/kanzleisync-producer /programs/kanzleisync-worker /usr/local/bin/
CMD ["kanzleisync-producer", "serve"]
