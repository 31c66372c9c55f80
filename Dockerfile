# syntax=docker/dockerfile:1
# One image with all programs; the command says which. Built by compose.yaml.

FROM rust:1.95-slim-bookworm AS build
# The image's own toolchain: rust-toolchain.toml asks for tools that only developers need.
ENV RUSTUP_TOOLCHAIN=1.95.0
WORKDIR /src
COPY . .
# The caches outlive the build, so a change recompiles our crates only; what is in them must be copied out.
RUN --mount=type=cache,target=/usr/local/cargo/registry \
    --mount=type=cache,target=/src/target \
    cargo build --locked --release -p kanzleisync-producer -p kanzleisync-worker -p kanzleisync-simulator && \
    mkdir /programs && \
    cp target/release/kanzleisync-producer target/release/kanzleisync-worker target/release/kanzleisync-simulator /programs/

FROM debian:bookworm-slim
# TLS trusts the system's certificates.
RUN apt-get update && \
    apt-get install -y --no-install-recommends ca-certificates && \
    rm -rf /var/lib/apt/lists/* && \
    useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin kanzleisync
COPY --chmod=755 scripts/http-ok.sh /usr/local/bin/http-ok
COPY --from=build /programs/ /usr/local/bin/
USER 10001:10001
# Nothing but standard output is written; compose.yaml makes the file system read-only.
WORKDIR /tmp
CMD ["kanzleisync-producer", "serve"]
