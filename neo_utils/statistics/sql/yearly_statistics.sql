-- One row per year and body. Each NEO has one position, and its name in the view newest. Predicted: dated after the day of the fetch.
-- Velocities are summed as integers of 1e-10 km/s, the precision of NeoWs, so the sum does not depend
-- on the row order. Hints to Spark, which DuckDB ignores: BROADCAST marks small tables, REPARTITION
-- saves the count of different NEOs within each task, where hardly any repeats.
WITH passages AS (
    SELECT year, orbiting_body, is_predicted, miss_distance_au,
           CAST(floor(relative_velocity_km_per_sec * 1e10 + 0.5) AS BIGINT) AS velocity
    FROM close_approaches
),
counts AS (
    SELECT year,
           orbiting_body,
           count(*) AS close_approaches,
           count_if(miss_distance_au < {threshold_au}) AS close_approaches_under_threshold,
           count_if(is_predicted) AS predicted,
           count_if(is_predicted AND miss_distance_au < {threshold_au}) AS predicted_under_threshold,
           min(miss_distance_au) AS miss_distance_au,
           sum(velocity) AS velocity,
           sum(CASE WHEN miss_distance_au < {threshold_au} THEN velocity END) AS velocity_under
    FROM passages
    GROUP BY year, orbiting_body
),
different AS (
    SELECT year, orbiting_body, count(DISTINCT position) AS neos
    FROM (SELECT /*+ REPARTITION(position) */ year, orbiting_body, position
          FROM close_approaches)
    GROUP BY year, orbiting_body
),
-- Of equally near approaches, the one of the smallest id, then date.
nearest AS (
    SELECT /*+ BROADCAST(counts) */
           year, orbiting_body,
           min_by(neo_id, concat(neo_id, ' ', close_approach_date)) AS neo_id,
           min_by(CAST(close_approach_date AS STRING), concat(neo_id, ' ', close_approach_date))
               AS date,
           min_by(is_predicted, concat(neo_id, ' ', close_approach_date)) AS is_predicted,
           min_by(position, concat(neo_id, ' ', close_approach_date)) AS position
    FROM close_approaches JOIN counts USING (year, orbiting_body, miss_distance_au)
    GROUP BY year, orbiting_body
)
SELECT /*+ BROADCAST(different, nearest) */
       year,
       orbiting_body,
       close_approaches,
       close_approaches_under_threshold,
       predicted,
       neos,
       miss_distance_au AS nearest_miss_distance_au,
       nearest.neo_id AS nearest_neo_id,
       round(CAST(velocity AS DOUBLE) / 1e10 / close_approaches, 6)
           AS mean_relative_velocity_km_per_sec,
       predicted_under_threshold,
       nearest.date AS nearest_close_approach_date,
       nearest.is_predicted AS nearest_is_predicted,
       round(CAST(velocity_under AS DOUBLE) / 1e10 / close_approaches_under_threshold, 6)
           AS mean_relative_velocity_under_threshold_km_per_sec,
       name AS nearest_neo_name
FROM counts
JOIN different USING (year, orbiting_body)
JOIN nearest USING (year, orbiting_body)
LEFT JOIN newest ON newest.position = nearest.position
ORDER BY year, orbiting_body
