# SPDX-License-Identifier: MIT
# safe-exec as an image: docker build -t safe-exec . && docker run --rm -p 8080:8080 safe-exec
#
#   --build-arg SUITE=trixie                       Debian 13: Python 3.13, numpy 2, pandas 2 (default: bookworm)
#   --build-arg EXTRA_APT="python3-scipy"          more Debian packages for scripts
#   --build-arg EXTRA_PIP="polars==1.9.0"          more packages from the package index, wheels only
#
# Where no namespace can be made, a job is put by chroot(2) into /jail. So /jail holds the runtime, once: /jail/usr is
# the real /usr, and /usr is a link to it. Every path works on both sides, and an image made FROM this one can apt-get
# install more. The program, its package database and all of /etc but what the loader reads stay outside.

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
# /out becomes /opt/safe-exec: the program, and what an interpreter loads, with however many libraries there are.
RUN make all && strip build/safe-exec \
 && install -D -m 0755 build/safe-exec /out/safe-exec \
 && install -D -m 0444 -t /out/runner runner/runner.py runner/tojson.py runner/template.py \
        $(find build -path build/drop -prune -o -name '*.so' -print) \
 && test -f /out/runner/_template.abi3.so

# ---- runtime: an ordinary Debian with the program's three libraries and Python with numpy and pandas
FROM debian:${SUITE}-slim AS runtime
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
# --user 10001 has a name; no program takes on another user's rights.
RUN useradd --uid 10001 --user-group --no-create-home --home-dir /tmp --shell /usr/sbin/nologin sandbox \
 && find / -xdev -type f -perm /6000 -exec chmod a-s {} +
# Nothing here asks iconv(3) for more than the character sets of its first table (the others have 8 MB); what else is
# installed may. In an image made FROM this one, apt-get install --reinstall libc6 brings them back.
RUN if [ -z "${EXTRA_APT}${EXTRA_PIP}" ]; then \
        cd /usr/lib/*-linux-gnu*/gconv \
     && rm -rf gconv-modules.d \
     && for module in *.so; do grep -qw "${module%.so}" gconv-modules || rm "$module"; done \
     && iconvconfig; \
    fi
# The tree of the image, in /out. The archives hold whole seconds, as an image does, so that no .py becomes newer than
# its .pyc; hard links, owners and modes stay, file capabilities do not. Left out of /usr: the tests of numpy and pandas
# (50 MB; numpy.testing imports a private module that lies among them), a second copy of numpy's core that Debian 12 has
# and nothing loads, and what only a debugger or a person's shell reads. The licences stay.
RUN mkdir -p /out/jail && cd /out \
 && tar --format=gnu -cf /usr.tar -C / \
        --exclude='usr/lib/python3/dist-packages/pandas/tests' \
        --exclude='usr/lib/python3/dist-packages/numpy/*tests/[a-z]*' \
        --exclude='usr/lib/python3/dist-packages/numpy/*tests/__pycache__/[a-z]*' \
        --exclude='usr/lib/python3.*/dist-packages/numpy' \
        --exclude=usr/share/gcc --exclude=usr/share/gdb --exclude=usr/share/bash-completion \
        --exclude=usr/share/lintian --exclude=usr/share/zoneinfo/right usr \
 && tar -xpf /usr.tar -C jail \
 && tar --format=gnu -cf /rest.tar -C / \
        --exclude='etc/*-' --exclude=etc/hostname --exclude=etc/hosts --exclude=etc/resolv.conf \
        --exclude='var/cache/ldconfig/*' --exclude='var/log/*' --exclude='var/*-old' \
        boot etc home media mnt opt root srv var \
 && tar -xpf /rest.tar
# Around it what a container and a jail need, and the links; relative ones, which hold wherever this root is mounted.
# The jail's loader has a cache of its own, which dpkg renews in an image made FROM this one. The last line is a test.
RUN cd /out \
 && mkdir -m 0755 dev proc run sys jail/dev jail/dev/shm jail/etc jail/proc jail/runner jail/var \
 && mkdir -m 1777 tmp run/lock jail/tmp \
 && mv etc/alternatives jail/etc/ && ln -s ../jail/etc/alternatives etc/alternatives \
 && cp -p etc/ld.so.cache jail/etc/ \
 && echo 'post-invoke=cp -p /etc/ld.so.cache /jail/etc/' >etc/dpkg/dpkg.cfg.d/safe-exec \
 && for link in /*; do if [ -L "$link" ]; then cp -a "$link" . && cp -a "$link" jail/; fi; done \
 && ln -s jail/usr usr \
 && ln -s ../../../../opt/safe-exec/safe-exec jail/usr/local/bin/safe-exec \
 && chroot jail /usr/bin/python3 -B -c 'import numpy, pandas'

# ---- the image: that tree and the program
FROM scratch
COPY --from=runtime /out/ /
COPY --from=build /out/ /opt/safe-exec/
ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
# Inside a container only the published port is reachable, so all addresses are right here.
ENV HOST=0.0.0.0
EXPOSE 8080
LABEL org.opencontainers.image.title="safe-exec" \
      org.opencontainers.image.description="Runs untrusted Python over HTTP, each script in a jail of its own" \
      org.opencontainers.image.licenses="MIT"
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=30s --timeout=6s --start-period=30s CMD ["/opt/safe-exec/safe-exec", "--health"]
ENTRYPOINT ["/opt/safe-exec/safe-exec"]
