-- A worker that stops, or was replaced after an error, gives back what it holds: prefetched jobs go to the head of the line.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  worker
-- ARGV[2]  '1': its runs have been cut off, their jobs go back too and no crash is counted; '0': its runs go on, leave them
-- Answer   number of jobs given back
local worker, runs_too = ARGV[1], ARGV[2] == '1'
local owner = worker .. '/'
local given_back = 0
for _, id in ipairs(redis.call('SMEMBERS', INFLIGHT .. worker)) do
  local f = redis.call('HMGET', META .. id, 's', 'o', 'e')
  local runs = f[1] == 'x' and f[2] and string.sub(f[2], 1, #owner) == owner
  if not runs or runs_too then
    if runs then
      back_to_waiting(id, f[3], NOW_MS)
      -- The cut run must not be able to finish, or to claim again with its old key.
      redis.call('HDEL', META .. id, 'n', 'o', 'u')
    end
    redis.call('SREM', INFLIGHT .. worker, id)
    redis.call('LPUSH', ACTIVE, id)
    given_back = given_back + 1
  end
end
if given_back > 0 then
  wake()
end
return given_back
