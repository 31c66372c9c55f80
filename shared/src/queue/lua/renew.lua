-- Extends the lease of a run (B1).
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  id of the job; ARGV[2] fence of the run; ARGV[3] lease in ms
-- Answer   1: held, for another lease from now; 0: lost, another run has been claimed or the job is no longer running
--
-- A lease that ran out but that nobody took is still this run's: no other run can have begun.
local f = redis.call('HMGET', META .. ARGV[1], 's', 'n')
if f[1] ~= 'x' or f[2] ~= ARGV[2] then
  return 0
end
redis.call('HSET', META .. ARGV[1], 'u', int(NOW_MS + tonumber(ARGV[3])))
return 1
