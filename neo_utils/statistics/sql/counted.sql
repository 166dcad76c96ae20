-- The rows to count. A NEO that appears in two batches, because the listing moved between two
-- requests, counts once, with its approaches from the newest batch (the largest fetch_order).
CREATE OR REPLACE TEMPORARY VIEW newest AS
SELECT id AS neo_id, max(fetch_order) AS newest_order
FROM stored_neos
GROUP BY id;

CREATE OR REPLACE TEMPORARY VIEW outdated AS
SELECT neo_id, fetch_order
FROM stored_neos JOIN newest ON id = neo_id AND fetch_order < newest_order;

-- BROADCAST is a hint to Spark: outdated rows are few. DuckDB treats it as a comment.
CREATE OR REPLACE TEMPORARY VIEW close_approaches AS
SELECT /*+ BROADCAST(outdated) */
       neo_id, close_approach_date, CAST(year(close_approach_date) AS BIGINT) AS year,
       orbiting_body, miss_distance_au, relative_velocity_km_per_sec,
       close_approach_date > fetched_on AS is_predicted
FROM stored_close_approaches ANTI JOIN outdated USING (neo_id, fetch_order)
