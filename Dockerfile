# The one image of operator and pods. `make image` builds it, also where there is no Docker and no registry.
#
# Two builds of one commit hold the same files: packages are pinned by hash, byte code is compiled in one order and
# checked against nothing, and what numba compiles depends on the sources alone.
ARG BASE=python:3.11-slim-bookworm

# What others wrote; again only when the lock changes.
FROM ${BASE} AS dependencies
ENV PYTHONHASHSEED=0 PYTHONDONTWRITEBYTECODE=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1 \
    PIP_ROOT_USER_ACTION=ignore
COPY requirements/runtime.lock /build/
RUN python3 -m venv --without-pip /opt/alphatrade/venv \
 && python3 -m pip --python /opt/alphatrade/venv/bin/python install --no-compile --require-hashes -r /build/runtime.lock \
 # `arch` brings the sample prices of `make run-sim`, and the others with it: no pod has a use for them.
 && python3 -m pip --python /opt/alphatrade/venv/bin/python uninstall -y \
      arch statsmodels scipy formulaic patsy interface-meta narwhals wrapt \
 && python3 -m pip --python /opt/alphatrade/venv/bin/python check \
 && cd /opt/alphatrade/venv/lib/python3*/site-packages \
 && rm -rf numba/tests pandas/tests pyarrow/tests pyarrow/include numpy/_core/include \
 && /opt/alphatrade/venv/bin/python -m compileall -qf --invalidation-mode unchecked-hash .

# What we wrote, and all that numba makes of it, so that a pod need not compile.
FROM dependencies AS product
COPY LICENSE pyproject.toml /build/
COPY protos /build/protos
COPY operator /build/operator
COPY runtime /build/runtime
RUN touch /build/README.md \
 && python3 -m pip --python /opt/alphatrade/venv/bin/python install --no-compile --no-deps --no-build-isolation \
      --target /opt/alphatrade/app /build \
 && /opt/alphatrade/venv/bin/python -m compileall -qf --invalidation-mode unchecked-hash /opt/alphatrade/app \
 && PYTHONPATH=/opt/alphatrade/app XDG_CACHE_HOME=/opt/alphatrade/baked \
      /opt/alphatrade/venv/bin/python -m alphatrade_runtime.cli.bake

FROM ${BASE}
COPY --from=dependencies /opt/alphatrade/venv /opt/alphatrade/venv
COPY --from=product /opt/alphatrade/app /opt/alphatrade/app
COPY --from=product /opt/alphatrade/baked /opt/alphatrade/baked
# The root file system is read-only in a pod: /tmp is what it may write to.
ENV PATH=/opt/alphatrade/app/bin:/opt/alphatrade/venv/bin:${PATH} PYTHONPATH=/opt/alphatrade/app \
    PYTHONDONTWRITEBYTECODE=1 PYTHONUNBUFFERED=1 HOME=/tmp XDG_CACHE_HOME=/tmp/cache \
    ALPHATRADE_BAKED=/opt/alphatrade/baked/alphatrade/numba
USER 65532:65532
WORKDIR /tmp
ENTRYPOINT ["alphatrade"]
