"""The statistics of close approaches; what they count is defined by the texts in ``sql``."""

import pyarrow as pa
from pyspark.sql import DataFrame, SparkSession

from neo_utils.batches import TABLES
from neo_utils.definitions import sql_text
from neo_utils.integrity import check_files
from neo_utils.schemas import CLOSE_APPROACHES, RAW
from neo_utils.selection import Selection

_SPARK_TYPES = {
    pa.string(): "STRING",
    pa.float64(): "DOUBLE",
    pa.int64(): "BIGINT",
    pa.bool_(): "BOOLEAN",
    pa.date32(): "DATE",
    pa.timestamp("ms", tz="UTC"): "TIMESTAMP",
}


def read_batches(spark: SparkSession, selection: Selection) -> tuple[DataFrame, DataFrame]:
    """Return the NEOs and the close approaches that count, each NEO from its newest batch.

    Returns
    -------
    newest
        A row per NEO: neo_id, fetch_order.
    close_approaches
        A row per approach of these NEOs: neo_id, close_approach_date, orbiting_body,
        miss_distance_au (AU), relative_velocity_km_per_sec (km/s), is_predicted.

    Raises
    ------
    StoredDataBroken
        Where a batch is not as it was stored.
    """
    check_files(selection.output, selection.provenances)
    by_time = selection.oldest_first
    batches = pa.table(
        {
            "batch_number": [batch.name for batch, _ in by_time],
            "fetched_on": [provenance.fetched_at.date() for _, provenance in by_time],
            "fetch_order": range(len(by_time)),
        }
    )
    spark.createDataFrame(batches).createOrReplaceTempView("batches")
    _stored(spark, selection, "raw", RAW).createOrReplaceTempView("stored_neos")
    _stored(spark, selection, "close_approaches", CLOSE_APPROACHES).createOrReplaceTempView(
        "stored_close_approaches"
    )
    for statement in sql_text("counted").split(";"):
        spark.sql(statement)
    return spark.table("newest"), spark.table("close_approaches")


def metrics(newest: DataFrame, close_approaches: DataFrame, threshold_au: float) -> DataFrame:
    """Return metric (string) and value (int64): the totals, then the approaches of every year."""
    newest.createOrReplaceTempView("newest")
    close_approaches.createOrReplaceTempView("close_approaches")
    return newest.sparkSession.sql(sql_text("metrics", threshold_au))


def yearly_statistics(close_approaches: DataFrame, threshold_au: float) -> DataFrame:
    """Return a row per year and body passed, in the columns of ``schemas.YEARLY_STATISTICS``."""
    close_approaches.createOrReplaceTempView("close_approaches")
    return close_approaches.sparkSession.sql(sql_text("yearly_statistics", threshold_au))


def _stored(spark: SparkSession, selection: Selection, table: str, schema: pa.Schema) -> DataFrame:
    """Name the files of a selection to Spark: it neither lists folders nor guesses types."""
    columns = [f"{field.name} {_SPARK_TYPES[field.type]}" for field in schema]
    folder = selection.output / TABLES[table][0]
    paths = [str(batch.file(selection.output, table)) for batch in selection.provenances]
    reader = spark.read.schema(", ".join([*columns, "`batch-number` STRING"]))
    return (
        reader.option("basePath", str(folder))
        .parquet(*paths)
        .withColumnRenamed("batch-number", "batch_number")
    )
