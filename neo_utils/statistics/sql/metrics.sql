-- metric, value: counts of NEOs and of their close approaches. Approaches to any listed body count,
-- past and predicted, unless the name ends in earth. Distances are in AU. Each NEO has one position.
-- Under 0.2 AU, only approaches to Earth and Jupiter are all listed: NeoWs lists Venus to 0.15 AU,
-- Mars and Mercury to 0.1, and the Moon to about 0.0085.
WITH per_neo AS (
    SELECT position,
           count(*) AS approaches,
           count_if(orbiting_body = 'Earth') AS approaches_earth,
           count_if(miss_distance_au < {threshold_au}) AS under,
           count_if(miss_distance_au < {threshold_au} AND orbiting_body = 'Earth') AS under_earth
    FROM close_approaches
    GROUP BY position
),
totals AS (
    SELECT sum(approaches) AS approaches,
           sum(approaches_earth) AS approaches_earth,
           sum(under) AS under,
           sum(under_earth) AS under_earth,
           count_if(under > 0) AS neos_under,
           count_if(under_earth > 0) AS neos_under_earth
    FROM per_neo
)
SELECT 'total_neos' AS metric, count(*) AS value
FROM newest
UNION ALL
SELECT metric,
       CAST(coalesce(CASE metric
           WHEN 'total_close_approaches' THEN approaches
           WHEN 'total_close_approaches_earth' THEN approaches_earth
           WHEN 'total_close_approaches_under_{threshold_au}_au' THEN under
           WHEN 'total_close_approaches_under_{threshold_au}_au_earth' THEN under_earth
           WHEN 'total_neos_under_{threshold_au}_au' THEN neos_under
           WHEN 'total_neos_under_{threshold_au}_au_earth' THEN neos_under_earth
       END, 0) AS BIGINT)
FROM totals CROSS JOIN (VALUES
    ('total_close_approaches'),
    ('total_close_approaches_earth'),
    ('total_close_approaches_under_{threshold_au}_au'),
    ('total_close_approaches_under_{threshold_au}_au_earth'),
    ('total_neos_under_{threshold_au}_au'),
    ('total_neos_under_{threshold_au}_au_earth')) AS names (metric)
UNION ALL
SELECT concat('close_approaches_in_', year), count(*)
FROM close_approaches
GROUP BY year
ORDER BY metric LIKE 'close_approaches_in_%', metric
