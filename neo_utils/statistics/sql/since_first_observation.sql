-- Approaches to Earth under the threshold by calendar years since their NEO was first observed;
-- negative before. Listed years: those that lie in 1900 to 2200, over all NEOs.
WITH observed AS (
    SELECT position, CAST(year(first_observation_date) AS BIGINT) AS first_year
    FROM newest
    WHERE first_observation_date IS NOT NULL
),
passages AS (
    SELECT year - first_year AS years_since, count(*) AS approaches
    FROM close_approaches JOIN observed USING (position)
    WHERE orbiting_body = 'Earth' AND miss_distance_au < {threshold_au}
    GROUP BY year - first_year
),
first_years AS (
    SELECT first_year, count(*) AS neos
    FROM observed
    GROUP BY first_year
)
SELECT years_since,
       approaches,
       CAST(sum(neos) AS BIGINT) AS listed_years,
       approaches / CAST(sum(neos) AS DOUBLE) AS approaches_per_neo_and_year
FROM passages CROSS JOIN first_years
WHERE first_year + years_since BETWEEN 1900 AND 2200
GROUP BY years_since, approaches
ORDER BY years_since
