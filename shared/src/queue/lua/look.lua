-- What the queue has for each of some entities; for the scan.
--
-- KEYS[1]  prefix of the queue
-- ARGV     entities, at most 1,000
-- Answer   per entity, in order: {'', 0} nothing; {'w', 0} waiting; {'x', 1} a run holds an unexpired lease, {'x', 0} its lease ran
--          out; {'k', ms} dead since
load(ARGV)
local answer = {}
for i, entity in ipairs(ARGV) do
  local state = job_of(entity).state
  if state == 'x' or state == 'k' then
    local ms = tonumber(redis.call('ZSCORE', INDEX[state], entity))
    answer[i] = { state, state == 'k' and ms or (ms > NOW_MS and 1 or 0) }
  else
    answer[i] = { state and 'w' or '', 0 }
  end
end
return answer
