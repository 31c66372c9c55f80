-- Put in front of every script of the limits when the program is built.
--
-- Time is Redis' own, in microseconds. Only tests give ARGV[1], to move it; programs leave it empty.
local NOW_US = tonumber(ARGV[1])
if not NOW_US then
  local time = redis.call('TIME')
  NOW_US = tonumber(time[1]) * 1000000 + tonumber(time[2])
end
local NOW_MS = math.floor(NOW_US / 1000)

-- Lua prints large numbers as 1.7e+15; Redis keeps what it is given.
local function int(number)
  return string.format('%.0f', number)
end

