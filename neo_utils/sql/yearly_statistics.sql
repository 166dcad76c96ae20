-- One row per year (UTC) and body passed. Predicted: dated after the day of the fetch. The mean
-- velocity is summed in decimals, exactly, so that it does not depend on the order of the rows.
SELECT CAST(year(close_approach_date) AS BIGINT) AS year,
       orbiting_body,
       count(*) AS close_approaches,
       count_if(miss_distance_au < {threshold_au}) AS close_approaches_under_threshold,
       count_if(is_predicted) AS predicted,
       count(DISTINCT neo_id) AS neos,
       min(miss_distance_au) AS nearest_miss_distance_au,
       min_by(neo_id, (miss_distance_au, neo_id)) AS nearest_neo_id,
       round(CAST(sum(CAST(relative_velocity_km_per_sec AS DECIMAL(20, 10))) AS DOUBLE)
             / count(*), 6) AS mean_relative_velocity_km_per_sec
FROM close_approaches
GROUP BY year(close_approach_date), orbiting_body
ORDER BY year, orbiting_body
