"""What GPUs can do at most, by name."""

PEAK_FLOPS_PER_SECOND: dict[str, float] = {
    "A10": 125e12,
    "A30": 165e12,
    "A100": 312e12,
    "B200": 2250e12,
    "H100": 989e12,
    "H100 NVL": 835e12,
    "H100 PCIe": 756e12,
    "H200": 989e12,
    "H200 NVL": 835e12,
    "L4": 121e12,
    "L40S": 362e12,
}
"""Products of dense bfloat16 matrices. Source: NVIDIA's data sheets; of sparse ones they say twice
as many. A name without a form is the SXM one."""
