"""What has to be set before JAX is imported, for plans."""

from __future__ import annotations

# Plans are made on the CPU, also on a TPU's host, and the compiler is not to look for a TPU. What
# libtpu writes while it starts is of TPUs that are not there.
ENVIRONMENT = {
    "JAX_PLATFORMS": "cpu",
    "TPU_SKIP_MDS_QUERY": "1",
    "ALLOW_MULTIPLE_LIBTPU_LOAD": "1",
    "TPU_MIN_LOG_LEVEL": "3",
    "TPU_STDERR_LOG_LEVEL": "3",
    "TPU_WORKER_HOSTNAMES": "localhost",
    "TPU_ACCELERATOR_TYPE": "v5litepod-4",
}
