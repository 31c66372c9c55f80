-- Removes dead jobs for good.
--
-- KEYS[1]  prefix of the queue
-- ARGV     ids of dead jobs, at most 1,000; others are skipped
-- Answer   how many were removed
local removed = 0
for _, id in ipairs(ARGV) do
  if redis.call('ZREM', DEAD, id) == 1 then
    erase(id, redis.call('HEXISTS', META .. id, 'lt') == 0)
    removed = removed + 1
  end
end
return removed
