-- The counted rows under the names that questions in SQL use; `yearly` is the text yearly_statistics.
CREATE OR REPLACE TEMPORARY VIEW neos AS
SELECT neo_id, neo_reference_id, name, name_limited, designation, nasa_jpl_url, absolute_magnitude_h,
       is_potentially_hazardous_asteroid, minimum_estimated_diameter_meters,
       maximum_estimated_diameter_meters, closest_approach_miss_distance_km, closest_approach_date,
       closest_approach_relative_velocity_km_per_sec, first_observation_date, last_observation_date,
       observations_used, orbital_period, position, fetched_at, size_class, listed_to_au
FROM newest;

CREATE OR REPLACE TEMPORARY VIEW orbits AS
SELECT neo_id, orbit_id, orbit_determination_date, orbit_class_type, orbit_uncertainty,
       minimum_orbit_intersection_au, jupiter_tisserand_invariant, epoch_osculation_jd,
       eccentricity, semi_major_axis_au, inclination_deg, ascending_node_longitude_deg,
       perihelion_argument_deg, mean_anomaly_deg, mean_motion_deg_per_day,
       perihelion_distance_au, aphelion_distance_au, perihelion_time_jd, data_arc_days, equinox,
       is_sentry_object
FROM newest;

-- Each close approach, with the properties of its NEO and all of its orbit. A NEO has one position.
CREATE OR REPLACE TEMPORARY VIEW passages AS
SELECT newest.neo_id, name, close_approach_date, close_approach_time, year, is_predicted,
       orbiting_body, CASE orbiting_body WHEN 'Juptr' THEN 'Jupiter' WHEN 'Merc' THEN 'Mercury'
                                         ELSE orbiting_body END AS body,
       miss_distance_au, miss_distance_lunar, miss_distance_km,
       relative_velocity_km_per_sec, absolute_magnitude_h, minimum_estimated_diameter_meters,
       maximum_estimated_diameter_meters, is_potentially_hazardous_asteroid, is_sentry_object,
       first_observation_date, designation, nasa_jpl_url, newest.position, size_class, listed_to_au,
       orbit_id, orbit_determination_date, orbit_class_type, orbit_uncertainty,
       minimum_orbit_intersection_au, jupiter_tisserand_invariant, epoch_osculation_jd,
       eccentricity, semi_major_axis_au, inclination_deg, ascending_node_longitude_deg,
       perihelion_argument_deg, mean_anomaly_deg, mean_motion_deg_per_day,
       perihelion_distance_au, aphelion_distance_au, perihelion_time_jd, data_arc_days, equinox,
       orbital_period
FROM close_approaches JOIN newest ON close_approaches.position = newest.position
