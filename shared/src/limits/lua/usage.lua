-- How much of the limits is in use.
--
-- KEYS[1]  prefix of the limits
-- ARGV[2]  system whose calls at once are told: its hash of permits, see parallel.lua
-- ARGV[3]  system whose requests per time are told: rate.lua counts each minute's
-- Answer   {permits that live processes hold, requests granted in the last 60 s: those of this minute, and of the last one the part
--          that is not over yet}
local held = 0
for _, state in ipairs(redis.call('HVALS', KEYS[1] .. ':parallel:' .. ARGV[2])) do
  local h, till = string.match(state, '^(%d+) %d+ %d+ %d+ (%d+) %d+$')
  if tonumber(till) > NOW_US then
    held = held + tonumber(h)
  end
end

local minute = math.floor(NOW_US / 60000000)
local function granted(at)
  return tonumber(redis.call('GET', KEYS[1] .. ':rate:' .. ARGV[3] .. ':' .. int(at)) or '0')
end
local left = 1 - (NOW_US / 60000000 - minute)
return { held, math.floor(granted(minute) + left * granted(minute - 1) + 0.5) }
