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
    SELECT 'all' AS everything,
           coalesce(orbit_class_type, 'unknown') AS orbit_class,
           size_class,
           CASE WHEN is_potentially_hazardous_asteroid THEN 1 ELSE 0 END AS is_hazardous,
           coalesce(approaches, 0) AS approaches
    FROM newest LEFT JOIN passages USING (position)
),
grouped AS (
    SELECT CASE WHEN everything IS NOT NULL THEN 'all'
                WHEN orbit_class IS NOT NULL THEN 'orbit class'
                ELSE 'size class' END AS kind,
           coalesce(everything, orbit_class, size_class) AS name,
           count(*) AS neos,
           CAST(sum(is_hazardous) AS BIGINT) AS hazardous_neos,
           CAST(sum(approaches) AS BIGINT) AS approaches,
           CAST(sum(is_hazardous * approaches) AS BIGINT) AS by_hazardous_neos
    FROM described
    GROUP BY GROUPING SETS ((everything), (orbit_class), (size_class))
)
SELECT kind,
       name,
       neos,
       hazardous_neos,
       approaches AS earth_approaches_under_threshold,
       by_hazardous_neos,
       CAST(hazardous_neos AS DOUBLE) / neos AS hazardous_share,
       CASE WHEN approaches > 0 THEN CAST(by_hazardous_neos AS DOUBLE) / approaches END
           AS share_by_hazardous_neos
FROM grouped
ORDER BY kind, name
