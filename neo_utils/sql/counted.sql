-- What is counted. A NEO that stands in two batches, since the listing moved between two requests,
-- counts once, with its approaches, from the batch fetched last (the largest fetch_order).
CREATE OR REPLACE TEMPORARY VIEW newest AS
SELECT id AS neo_id, max(fetch_order) AS fetch_order
FROM stored_neos
GROUP BY id;

CREATE OR REPLACE TEMPORARY VIEW close_approaches AS
SELECT neo_id, close_approach_date, CAST(year(close_approach_date) AS BIGINT) AS year,
       orbiting_body, miss_distance_au, relative_velocity_km_per_sec,
       close_approach_date > fetched_on AS is_predicted
FROM stored_close_approaches
     JOIN newest USING (neo_id, fetch_order)
