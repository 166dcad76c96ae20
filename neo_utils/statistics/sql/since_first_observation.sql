-- Approaches to Earth under the threshold by calendar years since their NEO was first observed,
-- negative before. listed_years: for how many NEOs that year lies in 1900 to 2200. For NEOs with a
-- poorly known orbit, approaches decades away are not listed, which makes those rates too low.
WITH observed AS (
    SELECT position, CAST(year(first_observation_date) AS BIGINT) AS first_year
    FROM newest
    WHERE first_observation_date IS NOT NULL
),
passages AS (
    SELECT year - first_year AS years_since, count(*) AS approaches
    FROM close_approaches JOIN observed USING (position)
    WHERE orbiting_body = 'Earth' AND miss_distance_au < {threshold_au}
          AND year BETWEEN 1900 AND 2200
    GROUP BY year - first_year
),
first_years AS (
    SELECT first_year, count(*) AS neos
    FROM observed
    GROUP BY first_year
),
listed AS (
    SELECT year - first_year AS years_since, sum(neos) AS listed_years
    FROM range(1900, 2201) AS years(year) CROSS JOIN first_years
    GROUP BY year - first_year
)
SELECT years_since,
       coalesce(approaches, 0) AS approaches,
       CAST(listed_years AS BIGINT) AS listed_years,
       coalesce(approaches, 0) / CAST(listed_years AS DOUBLE) AS approaches_per_neo_and_year
FROM listed LEFT JOIN passages USING (years_since)
ORDER BY years_since
