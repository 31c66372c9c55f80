-- Requests at an even pace with a burst (GCRA): one request is due every interval, and up to burst of them may be early.
--
-- KEYS[1]  string: when the next request would be due at the even pace, in microseconds (absent: now)
-- ARGV[2]  interval in microseconds; ARGV[3] burst, at least 1; ARGV[4] longest wait in microseconds; ARGV[5] requests, 0 to look only
-- Answer   {1, wait in us, used}  granted: the requests may go out after this wait, they are booked already
--          {0, wait in us, used}  not booked: it would be longer than the longest wait
--          used: how much of the burst is in use, in thousandths
--
-- Invariant: of the granted times, any window of length t holds at most t / interval + burst. Time that runs backwards (Redis moved
-- to another machine) makes waits longer, never the rate higher.
local key, interval, burst = KEYS[1], tonumber(ARGV[2]), tonumber(ARGV[3])
local longest, requests = tonumber(ARGV[4]), tonumber(ARGV[5])

local due = math.max(NOW_US, tonumber(redis.call('GET', key) or '0'))
local function used(time)
  return math.min(1000, math.ceil(1000 * (time - NOW_US) / (burst * interval)))
end

local after = due + requests * interval
local wait = math.max(0, after - burst * interval - NOW_US)
if requests == 0 then
  return { 1, wait, used(due) }
end
if wait > longest then
  return { 0, wait, used(due) }
end
redis.call('SET', key, int(after), 'PX', int(math.ceil((after - NOW_US) / 1000)))
-- For usage.lua.
local minute = key .. ':' .. int(math.floor(NOW_US / 60000000))
redis.call('INCRBY', minute, requests)
redis.call('PEXPIRE', minute, 120000)
return { 1, wait, used(after) }
