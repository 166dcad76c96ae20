"""Alternative readers of a page: from its bytes to Python objects, or to tables."""

import json
import tempfile
from collections.abc import Callable
from typing import Any

import duckdb
import msgspec
import orjson
import pandas as pd
import pyarrow as pa
from pyarrow import json as arrow_json

ORJSON = "orjson.loads"
_TEXT, _NUMBER = pa.string(), pa.float64()
_TEXTS_OF_NEO = ("id", "neo_reference_id", "name", "name_limited", "designation", "nasa_jpl_url")
_APPROACH = {
    "close_approach_date": _TEXT,
    "close_approach_date_full": _TEXT,
    "epoch_date_close_approach": pa.int64(),
    "relative_velocity": pa.struct({"kilometers_per_second": _TEXT}),
    "miss_distance": pa.struct(dict.fromkeys(("astronomical", "lunar", "kilometers"), _TEXT)),
    "orbiting_body": _TEXT,
}
_ORBIT = {
    "first_observation_date": _TEXT,
    "last_observation_date": _TEXT,
    "observations_used": pa.int64(),
    "orbital_period": _TEXT,
}
_DIAMETER_M = dict.fromkeys(("estimated_diameter_min", "estimated_diameter_max"), _NUMBER)
_NEO = {
    **dict.fromkeys(_TEXTS_OF_NEO, _TEXT),
    "absolute_magnitude_h": _NUMBER,
    "estimated_diameter": pa.struct({"meters": pa.struct(_DIAMETER_M)}),
    "is_potentially_hazardous_asteroid": pa.bool_(),
    "close_approach_data": pa.list_(pa.struct(_APPROACH)),
    "orbital_data": pa.struct(_ORBIT),
}
# The fields that the project stores, in the service's types: most numbers and all dates are text.
_STORED = pa.schema({"near_earth_objects": pa.list_(pa.struct(_NEO))})


def normalized(body: bytes) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Return the two tables with ``json`` and ``pandas.json_normalize``: the obvious way."""
    neos = json.loads(body)["near_earth_objects"]
    neo_table = pd.json_normalize(neos).drop(columns="close_approach_data")
    approaches = pd.json_normalize(neos, "close_approach_data", ["neo_reference_id"])
    if not approaches.empty:
        numbers = approaches.filter(regex="^(relative_velocity|miss_distance)").columns
        approaches[numbers] = approaches[numbers].astype(float)  # received as text
        day = "close_approach_date"
        approaches[day] = approaches[day].astype("datetime64[s]")
    return neo_table, approaches


def from_pylist(body: bytes) -> tuple[pa.Table, pa.Table]:
    """Return the two tables, nested like the page, with ``json`` and Arrow."""
    neos = json.loads(body)["near_earth_objects"]
    approaches = [
        {"neo_id": neo["neo_reference_id"], **one}
        for neo in neos
        for one in neo.pop("close_approach_data")
    ]
    return pa.Table.from_pylist(neos), pa.Table.from_pylist(approaches)


def read_json(body: bytes) -> tuple[pa.Table, pa.Table]:
    """Return the two tables, nested like the page, with DuckDB, which reads a file."""
    with tempfile.NamedTemporaryFile(suffix=".json") as file:
        file.write(body)
        file.flush()
        duckdb.execute(
            "create or replace table neos as select unnest(near_earth_objects, max_depth := 2) "
            "from read_json($1)",
            [file.name],
        )
        neos = duckdb.sql("select * exclude close_approach_data from neos")
        approaches = duckdb.sql(
            "select neo_reference_id, unnest(close_approach_data, max_depth := 2) from neos"
        )
        return neos.to_arrow_table(), approaches.to_arrow_table()


def arrow_reader(body: bytes) -> pa.Table:
    """Return the stored fields, nested like the page and not validated, with PyArrow's reader."""
    parse = arrow_json.ParseOptions(explicit_schema=_STORED, unexpected_field_behavior="ignore")
    # For this reader a page is one line, which must fit into one block.
    read = arrow_json.ReadOptions(use_threads=False, block_size=len(body) + 1)
    return arrow_json.read_json(pa.BufferReader(body), read, parse)


READERS: dict[str, Callable[[bytes], Any]] = {
    ORJSON: orjson.loads,
    "msgspec, untyped": msgspec.json.decode,
    "PyArrow's read_json": arrow_reader,
    "json + Table.from_pylist": from_pylist,
    "json + json_normalize": normalized,
    "DuckDB read_json": read_json,
}
