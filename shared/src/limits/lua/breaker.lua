-- Shared by the scripts of the breakers; put in front of each when the program is built.
--
-- KEYS[1]  prefix of every key of the limits
--
-- A breaker is a hash, P:breaker:<system>:
--   state     'open' (nobody may begin) or 'probing' (one run may); absent: closed
--   openings  how often it has opened; never goes back. A run remembers the number it began under: what a run from before an opening
--             has to tell says nothing about the time after it
--   until     open: when a probe may begin; probing: until when the probe is believed alive (ms)
--   pause     length of the present pause in ms
--   cause     'outage' or 'credentials'
--   probe     name of the run that probes
--   streak    failures in a row, while closed
-- The records of these failures are in the list P:breaker:<system>:streak, one entry per failure.
--
-- Invariants: while open nobody begins; while probing one run at most is believed to. Only the probe ends a pause. openings counts
-- every change from closed to open.
local CHANGED = KEYS[1] .. ':breaker:changed'

local function key_of(system)
  return KEYS[1] .. ':breaker:' .. system
end

local function load(system)
  local f = redis.call('HMGET', key_of(system), 'state', 'openings', 'until', 'pause', 'cause', 'probe', 'streak')
  return {
    state = f[1] or 'closed',
    openings = tonumber(f[2] or '0'),
    till = tonumber(f[3] or '0'),
    pause = tonumber(f[4] or '0'),
    cause = f[5] or 'outage',
    probe = f[6] or '',
    streak = tonumber(f[7] or '0'),
  }
end

local function save(system, b)
  redis.call('HSET', key_of(system), 'state', b.state, 'openings', int(b.openings), 'until', int(b.till),
    'pause', int(b.pause), 'cause', b.cause, 'probe', b.probe, 'streak', int(b.streak))
  redis.call('PUBLISH', CHANGED, system)
end
