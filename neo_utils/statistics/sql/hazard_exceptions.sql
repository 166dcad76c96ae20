-- NEOs whose flag as potentially hazardous contradicts the rule: a MOID of at most 0.05 AU and H of
-- at most 22.0. NEOs without a flag, or for which the rule cannot be decided, are left out.
SELECT neo_id,
       name,
       absolute_magnitude_h,
       minimum_orbit_intersection_au,
       is_potentially_hazardous_asteroid
FROM newest
WHERE is_potentially_hazardous_asteroid
      <> (minimum_orbit_intersection_au <= 0.05 AND absolute_magnitude_h <= 22.0)
ORDER BY neo_id
