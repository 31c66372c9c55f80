-- Permits to call one system, shared by processes. A process tells what it holds and how many calls wait, and is given what it may
-- add. It tells its whole state, not a change, so a repeated call or a lost answer does no harm.
--
-- KEYS[1]  hash: process -> 'held wanted since seen until number' (times in microseconds)
-- ARGV[2]  process; ARGV[3] permits it holds; ARGV[4] calls that wait for one; ARGV[5] number of this call, growing
-- ARGV[6]  permits in all; ARGV[7] liveness in us: who has not called for so long is dead, and its permits are free
-- ARGV[8]  patience in us: a waiting process that has not called for so long is passed over
-- Answer   permits that the process may add to what it holds; -1: a later call was here before this one
--
-- Invariants: the permits of all live processes are no more than ARGV[6], unless a process was taken for dead while it still worked
-- or the processes disagree on ARGV[6]. Free permits are dealt out in thought, one by one, each to the process that holds fewest, and
-- of these to the one that has waited longest. The caller gets its part; the others are woken and find theirs still free. So no
-- process starves another.
local key, me, wake = KEYS[1], ARGV[2], KEYS[1] .. ':wake'
local held, wanted, number = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local free, liveness, patience = tonumber(ARGV[6]) - held, tonumber(ARGV[7]), tonumber(ARGV[8])

local since = NOW_US
local waiting = {}
local told = redis.call('HGETALL', key)
for at = 1, #told, 2 do
  local name = told[at]
  local h, w, s, seen, till, n = string.match(told[at + 1], '^(%d+) (%d+) (%d+) (%d+) (%d+) (%d+)$')
  if name == me then
    if tonumber(n) >= number then
      return -1
    end
    if tonumber(w) > 0 then
      since = tonumber(s)
    end
  elseif tonumber(till) <= NOW_US then
    redis.call('HDEL', key, name)
  else
    free = free - tonumber(h)
    if tonumber(w) > 0 and tonumber(seen) + patience > NOW_US then
      waiting[#waiting + 1] = { name = name, held = tonumber(h), wanted = tonumber(w), since = tonumber(s) }
    end
  end
end

local mine = { name = me, held = held, wanted = wanted, since = since }
waiting[#waiting + 1] = mine
while free > 0 do
  local next
  for _, one in ipairs(waiting) do
    if one.wanted > 0 and (not next or one.held < next.held or (one.held == next.held and one.since < next.since)) then
      next = one
    end
  end
  if not next then
    break
  end
  free, next.held, next.wanted, next.dealt = free - 1, next.held + 1, next.wanted - 1, true
  if next == mine then
    -- Whoever was served queues up again behind those who were not.
    next.since = NOW_US
  end
end

for _, one in ipairs(waiting) do
  if one.dealt and one ~= mine then
    redis.call('PUBLISH', wake, one.name)
  end
end
if mine.held == 0 and mine.wanted == 0 then
  redis.call('HDEL', key, me)
else
  local state = { int(mine.held), int(mine.wanted), int(mine.since), int(NOW_US), int(NOW_US + liveness), int(number) }
  redis.call('HSET', key, me, table.concat(state, ' '))
  redis.call('PEXPIRE', key, int(math.ceil(liveness / 1000)))
end
return mine.held - held
