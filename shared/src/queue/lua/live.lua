-- Which entities a run is working on now; for the scan, which leaves those alone.
--
-- KEYS[1]  prefix of the queue
-- ARGV     entities, at most 1,000
-- Answer   per entity, in order, 1: a run of it holds an unexpired lease, 0: none does
local answer = {}
for i, entity in ipairs(ARGV) do
  local id = redis.call('HGET', RUNNING, entity)
  local until_ms = id and tonumber(redis.call('HGET', META .. id, 'u') or '0') or 0
  answer[i] = until_ms > NOW_MS and 1 or 0
end
return answer
