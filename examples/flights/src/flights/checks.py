"""Is the data what the steps take it for? Named in conf/base/catalog.yml, run whenever a table is loaded."""

import pandas as pd


def one_row_per(table: pd.DataFrame, columns: list[str]) -> list[int]:
    """The positions of the rows that repeat an earlier one in these columns; none when all is well."""
    repeated = table.duplicated(columns)
    return [position for position, again in enumerate(repeated) if again]
