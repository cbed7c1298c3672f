-- How long reads took, as a histogram: a percentile of all instances and of a whole window can be made of it. What
-- instances count of their keys, where they tell it over HTTP: the collector that has the cache reads it from here.
ALTER TABLE mitigation_sample ADD COLUMN waits jsonb;
ALTER TABLE app_instance ADD COLUMN hot_keys jsonb;
-- The newest revision of a cache is looked up for every reader of policies, whatever its history.
CREATE INDEX mitigation_rev ON mitigation (cache_id, rev DESC);
