"""What the tests share."""

from collections.abc import Iterator

import pytest
from pyspark.sql import SparkSession

from neo_utils.spark_session import connect


@pytest.fixture(scope="session")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SparkSession]:
    # Once for all tests: a start takes longer than most of them together. Java compiles lightly,
    # which suits tables of a few rows.
    conf = {"spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1"}
    session = connect("local[2]", conf, tmp_path_factory.mktemp("spark") / "spark.log")
    yield session
    session.stop()
