-- What a run learnt about a system.
--
-- ARGV[2]  system; ARGV[3] what: answered, failed (an outage), refused (our credentials), unused (nothing was learnt)
-- ARGV[4]  record of the run; ARGV[5] openings when it began; ARGV[6] name of the run
-- ARGV[7]  failures in a row, ARGV[8] over so many records, that open the breaker
-- ARGV[9]  first pause, ARGV[10] longest, ARGV[11] after refused credentials, in ms
-- Answer   {'nothing'}           nothing that concerns the run
--          {'counted'}           a failure of the streak
--          {'waits', ms}         down, or was down when the run began: no failure of the record; the next probe may begin in ms, or 0:
--                                it is under way, or the system is back
--          {'opened', ms, record...}  as waits, and this report opened it: the records of the streak, one entry per failure
--          {'reopened', ms}      as waits, and this was the probe
--          {'closed'}            this was the probe, and the system is back
--
-- state x what        answered   failed              refused              unused
-- closed              ends the   counts; the fifth   opens                -
--                     streak     opens
-- closed, older run   -          waits               waits                -
-- open, older run     -          waits               waits, longer        -
-- probing, probe      closes     opens, twice the    opens                probe is free
--                                pause
-- probing, a probe     closes     waits               waits                -
--   given up
-- probing, older run  -          waits               waits                -
local system, what, record, openings, run = ARGV[2], ARGV[3], ARGV[4], tonumber(ARGV[5]), ARGV[6]
local enough, records = tonumber(ARGV[7]), tonumber(ARGV[8])
local first, longest, credentials = tonumber(ARGV[9]), tonumber(ARGV[10]), tonumber(ARGV[11])
-- More failures than these without an opening are of one or two records; the oldest need not be remembered.
local REMEMBERED = 100

local b = load(system)
local streak = key_of(system) .. ':streak'
local bad = what == 'failed' or what == 'refused'

local function pause(length, cause)
  b.state, b.cause, b.pause, b.till, b.probe, b.streak = 'open', cause, length, NOW_MS + length, '', 0
end

local function open(length, cause)
  local failed = redis.call('LRANGE', streak, 0, -1)
  redis.call('DEL', streak)
  pause(length, cause)
  b.openings = b.openings + 1
  save(system, b)
  return { 'opened', length, unpack(failed) }
end

-- A probe that took longer than it may was given up, and another one begun; but an answer is an answer.
if b.state == 'probing' and (b.probe == run or what == 'answered' and b.openings == openings) then
  if what == 'answered' then
    b.state, b.till, b.pause, b.probe, b.streak = 'closed', 0, 0, '', 0
    save(system, b)
    return { 'closed' }
  elseif what == 'failed' then
    pause(math.min(2 * b.pause, longest), 'outage')
  elseif what == 'refused' then
    pause(credentials, 'credentials')
  else
    b.state, b.probe, b.till = 'open', '', NOW_MS
    save(system, b)
    return { 'nothing' }
  end
  save(system, b)
  return { 'reopened', b.pause }
end

if b.state == 'closed' and b.openings == openings then
  if what == 'refused' then
    return open(credentials, 'credentials')
  elseif what == 'answered' and b.streak > 0 then
    redis.call('DEL', streak)
    b.streak = 0
    save(system, b)
  elseif what == 'failed' then
    b.streak = b.streak + 1
    local seen, distinct = { [record] = true }, 1
    for _, one in ipairs(redis.call('LRANGE', streak, 0, -1)) do
      if not seen[one] then
        seen[one], distinct = true, distinct + 1
      end
    end
    if b.streak >= enough and distinct >= records then
      return open(first, 'outage')
    end
    redis.call('RPUSH', streak, record)
    redis.call('LTRIM', streak, -REMEMBERED, -1)
    save(system, b)
    return { 'counted' }
  end
  return { 'nothing' }
end

if not bad then
  return { 'nothing' }
end
if b.state == 'open' and what == 'refused' and b.cause ~= 'credentials' then
  pause(credentials, 'credentials')
  save(system, b)
end
-- While a run probes, till only bounds its life; its report is to be expected soon.
return { 'waits', b.state == 'open' and math.max(0, b.till - NOW_MS) or 0 }
