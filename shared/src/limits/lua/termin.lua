-- The right to write one Termin (C10b).
--
-- KEYS[1]  string: who holds it
-- ARGV[2]  who asks; ARGV[3] milliseconds, 0 to give it back
-- Answer   1 held by who asks (or given back), 0 held by another
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[2] then
  return 0
end
if ARGV[3] == '0' then
  redis.call('DEL', KEYS[1])
else
  redis.call('SET', KEYS[1], ARGV[2], 'PX', ARGV[3])
end
return 1
