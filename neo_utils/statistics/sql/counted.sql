-- The rows to count. A NEO that appears in two batches, because the listing moved between two
-- requests, counts once, with its approaches from the newest batch.
CREATE OR REPLACE TEMPORARY VIEW listed AS
SELECT position,
       row_number() OVER (PARTITION BY id ORDER BY fetched_at DESC, position DESC) AS recency
FROM stored_neos;

-- Each NEO of a batch has its own position. The project computes this view, which normally has no
-- rows, only once.
CREATE OR REPLACE TEMPORARY VIEW outdated AS
SELECT position FROM listed WHERE recency > 1;

-- BROADCAST is a hint to Spark: outdated rows are few. DuckDB treats it as a comment. H of 17.75 is
-- about 1 km, and of 22 about 140 m, at an albedo of 0.14.
CREATE OR REPLACE TEMPORARY VIEW newest AS
SELECT /*+ BROADCAST(outdated) */
       id AS neo_id, *,
       CASE WHEN absolute_magnitude_h <= 17.75 THEN 'H at most 17.75'
            WHEN absolute_magnitude_h <= 22 THEN 'H above 17.75, at most 22'
            WHEN absolute_magnitude_h IS NULL THEN 'H unknown'
            ELSE 'H above 22' END AS size_class
FROM stored_neos ANTI JOIN outdated USING (position);

CREATE OR REPLACE TEMPORARY VIEW close_approaches AS
SELECT /*+ BROADCAST(outdated) */
       *, CAST(year(close_approach_date) AS BIGINT) AS year,
       close_approach_date > CAST(fetched_at AS DATE) AS is_predicted
FROM stored_close_approaches ANTI JOIN outdated USING (position)
