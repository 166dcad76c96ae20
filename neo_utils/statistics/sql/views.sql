-- Tables for explore.ipynb: the counted NEOs, and the counted approaches with the properties of
-- their NEO. Diameters are estimates from H for albedos of 0.25 and 0.05.
CREATE OR REPLACE TABLE neos AS
SELECT neo_id, row_number() OVER (ORDER BY neo_id) AS neo_number, position,
       name, designation, nasa_jpl_url, absolute_magnitude_h, first_observation_date,
       coalesce(is_potentially_hazardous_asteroid, false) AS is_potentially_hazardous,
       minimum_estimated_diameter_meters AS minimum_diameter_m,
       maximum_estimated_diameter_meters AS maximum_diameter_m,
       orbit_id, orbit_determination_date, orbit_class_type, orbit_uncertainty,
       minimum_orbit_intersection_au, jupiter_tisserand_invariant, epoch_osculation_jd,
       eccentricity, semi_major_axis_au, inclination_deg, ascending_node_longitude_deg,
       perihelion_argument_deg, mean_anomaly_deg, mean_motion_deg_per_day,
       perihelion_distance_au, aphelion_distance_au, perihelion_time_jd, data_arc_days, equinox,
       coalesce(is_sentry_object, false) AS is_sentry_object, listed_to_au
FROM newest;

CREATE OR REPLACE TABLE passages AS
SELECT neos.*, close_approach_date, year, orbiting_body, miss_distance_au,
       relative_velocity_km_per_sec, is_predicted
FROM close_approaches JOIN neos USING (neo_id)
