# SPDX-License-Identifier: MIT
# safe-exec as an image: docker build -t safe-exec . && docker run --rm -p 8080:8080 safe-exec
#
#   --build-arg SUITE=trixie                       Debian 13: Python 3.13, numpy 2, pandas 2 (default: bookworm)
#   --build-arg EXTRA_APT="python3-scipy"          more Debian packages for scripts
#   --build-arg EXTRA_PIP="polars==1.9.0"          more packages from the package index, wheels only

ARG SUITE=bookworm

# The default base under its literal name, for tools that collect base images without reading arguments. Not built.
FROM debian:bookworm-slim AS default-base

# ---- build: a compiler and headers, which the running image does not need
FROM debian:${SUITE}-slim AS build
RUN apt-get update \
 && apt-get install -y --no-install-recommends gcc make libc6-dev pkg-config \
        libmicrohttpd-dev libjansson-dev libseccomp-dev libpython3-dev \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /source
COPY Makefile ./
COPY include include
COPY src src
COPY policy policy
COPY runner runner
RUN make all && strip build/safe-exec

# ---- run: the program, its three libraries, Python with numpy and pandas
FROM debian:${SUITE}-slim
ARG EXTRA_APT=""
ARG EXTRA_PIP=""
RUN apt-get update \
 && apt-get install -y --no-install-recommends libmicrohttpd12 libjansson4 libseccomp2 \
        python3 python3-numpy python3-pandas media-types tzdata ${EXTRA_APT} \
 && if [ -n "${EXTRA_PIP}" ]; then \
        apt-get install -y --no-install-recommends python3-pip \
     && python3 -m pip install --no-cache-dir --only-binary=:all: --break-system-packages ${EXTRA_PIP} \
     && apt-get purge -y --auto-remove python3-pip; \
    fi \
 && rm -rf /var/lib/apt/lists/* /var/cache/apt/*
COPY --from=build /source/build/safe-exec /usr/local/bin/safe-exec
# Inside a container only the published port is reachable, so all addresses are right here.
ENV HOST=0.0.0.0
EXPOSE 8080
LABEL org.opencontainers.image.title="safe-exec" \
      org.opencontainers.image.description="Runs untrusted Python over HTTP, each script in a jail of its own" \
      org.opencontainers.image.licenses="MIT"
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s CMD ["/usr/local/bin/safe-exec", "--health"]
ENTRYPOINT ["/usr/local/bin/safe-exec"]
