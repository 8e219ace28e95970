"""Which measures are there? Each module is one."""

from benchmarks.measures import (
    b1_import,
    b2_one_step,
    b3_chain,
    b4_map,
    b5_cached,
    b5_keys,
    b5_plan,
    b6_table,
    b7_large_map,
    b8_pages,
    b9_install,
    b10_catalog,
    b11_executors,
)

MEASURES = (
    b1_import.MEASURE,
    b2_one_step.MEASURE,
    b3_chain.MEASURE,
    b4_map.MEASURE,
    b5_cached.MEASURE,
    b5_plan.MEASURE,
    b5_keys.MEASURE,
    b6_table.MEASURE,
    b7_large_map.MEASURE,
    b8_pages.MEASURE,
    b9_install.MEASURE,
    b10_catalog.MEASURE,
    b11_executors.MEASURE,
)
