-- The rows to count. A NEO that appears in two batches, because the listing moved between two
-- requests, counts once, with its approaches from the newest batch.
CREATE OR REPLACE TEMPORARY VIEW listed AS
SELECT id AS neo_id, *,
       row_number() OVER (PARTITION BY id ORDER BY fetched_at DESC, position DESC) AS recency
FROM stored_neos;

CREATE OR REPLACE TEMPORARY VIEW newest AS
SELECT * FROM listed WHERE recency = 1;

CREATE OR REPLACE TEMPORARY VIEW outdated AS
SELECT position FROM listed WHERE recency > 1;

-- BROADCAST is a hint to Spark: outdated rows are few. DuckDB treats it as a comment.
CREATE OR REPLACE TEMPORARY VIEW close_approaches AS
SELECT /*+ BROADCAST(outdated) */
       *, CAST(year(close_approach_date) AS BIGINT) AS year,
       close_approach_date > CAST(fetched_at AS DATE) AS is_predicted
FROM stored_close_approaches ANTI JOIN outdated USING (position)
