-- NEOs by the year of their first observation and size class, and their number up to that year.
WITH counts AS (
    SELECT CAST(year(first_observation_date) AS BIGINT) AS year, size_class, count(*) AS neos
    FROM newest
    WHERE first_observation_date IS NOT NULL
    GROUP BY year(first_observation_date), size_class
)
SELECT year,
       size_class,
       neos,
       CAST(sum(neos) OVER (PARTITION BY size_class ORDER BY year) AS BIGINT) AS neos_so_far
FROM counts
ORDER BY year, size_class
