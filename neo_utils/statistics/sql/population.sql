-- NEOs by orbit class and by size class, and their approaches to Earth under the threshold, past and
-- predicted. "All" counts each NEO once. Each NEO has one position. A NEO without a hazard flag
-- counts as not hazardous. Shares are from 0 to 1; null if there is nothing to share.
WITH passages AS (
    SELECT position, count(*) AS approaches
    FROM close_approaches
    WHERE orbiting_body = 'Earth' AND miss_distance_au < {threshold_au}
    GROUP BY position
),
described AS (
    SELECT coalesce(orbit_class_type, 'unknown') AS orbit_class,
           size_class,
           CASE WHEN is_potentially_hazardous_asteroid THEN 1 ELSE 0 END AS is_hazardous,
           coalesce(approaches, 0) AS approaches
    FROM newest LEFT JOIN passages USING (position)
),
grouped AS (
    SELECT 'all' AS kind, 'all' AS name, is_hazardous, approaches FROM described
    UNION ALL
    SELECT 'orbit class', orbit_class, is_hazardous, approaches FROM described
    UNION ALL
    SELECT 'size class', size_class, is_hazardous, approaches FROM described
)
SELECT kind,
       name,
       count(*) AS neos,
       CAST(sum(is_hazardous) AS BIGINT) AS hazardous_neos,
       CAST(sum(approaches) AS BIGINT) AS earth_approaches_under_threshold,
       CAST(sum(is_hazardous * approaches) AS BIGINT) AS by_hazardous_neos,
       CAST(sum(is_hazardous) AS DOUBLE) / count(*) AS hazardous_share,
       CASE WHEN sum(approaches) > 0
            THEN CAST(sum(is_hazardous * approaches) AS DOUBLE) / sum(approaches) END
           AS share_by_hazardous_neos
FROM grouped
GROUP BY kind, name
ORDER BY kind, name
