-- The passages with the headings and units that the linked views of explore.ipynb show.
CREATE OR REPLACE TABLE explored AS
SELECT neo_id AS id,
       coalesce(name, neo_id) AS "NEO",
       close_approach_date AS date,
       year,
       year + (dayofyear(close_approach_date) - 1) / 365.25 AS "decimal year",
       body,
       is_predicted AS predicted,
       coalesce(orbit_class_type, 'unknown') AS "orbit class",
       CASE WHEN is_potentially_hazardous_asteroid THEN 'potentially hazardous'
            WHEN is_potentially_hazardous_asteroid IS NULL THEN 'unknown'
            ELSE 'other' END AS hazard,
       nullif(miss_distance_au, 0) AS "AU",  -- their axes are logarithmic
       nullif(miss_distance_au, 0) * 389 AS "LD",
       nullif(miss_distance_km, 0) AS km,
       round(relative_velocity_km_per_sec, 3) AS "velocity (km/s)",
       round(sqrt(minimum_estimated_diameter_meters * maximum_estimated_diameter_meters), 1)
           AS "diameter (m)",
       year(first_observation_date) AS "first observation",
       semi_major_axis_au AS "semi-major axis (AU)",
       eccentricity,
       inclination_deg AS "inclination (deg)",
       minimum_orbit_intersection_au AS "Earth MOID (AU)",
       jupiter_tisserand_invariant AS "Tisserand invariant",
       CASE WHEN nasa_jpl_url LIKE 'https://ssd.jpl.nasa.gov/%' THEN nasa_jpl_url END AS page,
       1000 * floor(year / 5) + floor(8 * log10(greatest(miss_distance_au, 1e-9))) AS "passage cell",
       1000 * floor(14 * semi_major_axis_au) + floor(35 * eccentricity) AS "orbit cell",
       concat(coalesce(name, neo_id), chr(10), close_approach_date, ' by ', body, chr(10),
              format('{:,.2f} LD, {:,.0f} km', miss_distance_au * 389, miss_distance_km), chr(10),
              format('{:.1f} km/s', relative_velocity_km_per_sec),
              format(', {:,.0f} to {:,.0f} m', minimum_estimated_diameter_meters,
                     maximum_estimated_diameter_meters)) AS label
FROM passages
