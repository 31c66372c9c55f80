-- One turn of a worker: writes the outcomes of runs that ended, then takes jobs to run.
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  worker; ARGV[2] number of this call; ARGV[3] lease in ms; ARGV[4] jobs wanted, 0 to 1,000; ARGV[5] runs that go on in
--          this worker
-- ARGV[6]  '1': the answer to a call with these outcomes was lost, '0': they are new
-- ARGV[7..] per ended run, at most 1,000: entity, fence, outcome (done | retry | snooze | dead), delay in ms (retry, snooze), reason
--          (retry, dead; without personal data), wants bits of one more run that the run itself asks for (done) or ''
-- Answer   {per ended run 1: written (where the answer was lost also: another run has begun, this one's may be written), 0: refused;
--           per job taken {entity, number, fence, wants, starts, failures, crashes, ms from being due to now, traces or ''};
--           0, or 1: the one job taken runs alone, 2: take nothing until no run is left, 3: the queue is paused, 4: there may be more}
--
-- Invariants: one outcome per run; an entity has one live run at most; a start is counted before the handler sees the job. What is
-- asked for during a run leads to exactly one more run (J2).
-- A job that crashed twice runs alone: one busy worker after the other lets its runs end for it (DRAIN).
--
-- Taking is not repeatable. After a lost answer the worker calls again with 0 wanted, then hand_back.lua for what it does not know.
local worker, lease_ms, wanted, busy, is_repeated = ARGV[1], tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5]), ARGV[6] == '1'
local FIRST, FIELDS = 7, 6
if is_late(worker, ARGV[2]) then
  return redis.error_reply('LATE a later call of this worker has been answered')
end
-- Every eighth start goes to the scan's jobs, so that a storm of events does not starve them (J6).
local SCAN_TURN = 8
-- Pages of tokens read at most.
local MOST_LOOKS = 8
local TURNS, DRAIN, DRAIN_MS = P .. ':turns', P .. ':drain', 3000

local function after_done(job, asked, follow_up)
  if not asked and follow_up == '' then
    return erase(job)
  end
  local wants = asked and job.asked_wants or 0
  job.wants = follow_up == '' and wants or merged(wants, tonumber(follow_up))
  job.rank = asked and math.max(asked, follow_up == '' and SCAN or EVENT) or EVENT
  -- What the run itself asks for goes on with its trace.
  if follow_up == '' then
    job.traces = job.asked_traces
  end
  job.number, job.since_ms = issue(1), NOW_MS
  reset(job, 0)
  make_ready(job)
end

local function finish(i)
  local job, fence, outcome, reason = job_of(ARGV[i]), tonumber(ARGV[i + 1]), ARGV[i + 2], ARGV[i + 4]
  if job.state ~= 'x' or job.fence ~= fence then
    return is_repeated and 1 or 0
  end
  job.asked_wants, job.asked_traces = job.next_wants, job.next_traces
  local asked = end_run(job)
  -- A run that could tell its outcome did not crash.
  job.crashes = 0
  if outcome == 'done' then
    after_done(job, asked, ARGV[i + 5])
  elseif outcome == 'dead' then
    job.failures = job.failures + 1
    if asked then
      revive(job, asked)
    else
      bury(job, reason)
    end
  else
    if outcome == 'retry' then
      job.failures, job.why = job.failures + 1, reason
    end
    if asked and asked >= OPERATOR then
      job.since_ms = NOW_MS
      if asked == REQUEUE then
        reset(job, 0)
      end
      make_ready(job)
    else
      make_delayed(job, NOW_MS + tonumber(ARGV[i + 3]))
    end
  end
  job.failures = math.max(0, job.failures)
  return 1
end

local taken, was_broken_off = {}, false

-- Takes up to n ready jobs from a list. Tokens that were left behind are thrown away; not without end in one script.
local function take(list, n)
  local looks = 0
  while n > 0 do
    looks = looks + 1
    if looks > MOST_LOOKS then
      was_broken_off = true
      return
    end
    local tokens = redis.call('LPOP', list, n)
    if not tokens then
      return
    end
    load(tokens)
    for _, entity in ipairs(tokens) do
      local job = job_of(entity)
      if job.state == 'r' and (ready_list(job) == ALONE) == (list == ALONE) then
        job.state, job.at, job.owner, job.starts = 'x', NOW_MS + lease_ms, worker, job.starts + 1
        change(job)
        taken[#taken + 1] = job
        n = n - 1
      elseif job.state == 'r' then
        -- Its crashes were forgiven, or counted, since the token was laid out: it belongs to the other line.
        make_ready(job)
      end
    end
  end
end

local function take_turns()
  local turns = redis.call('INCRBY', TURNS, wanted)
  local for_scans = math.floor(turns / SCAN_TURN) - math.floor((turns - wanted) / SCAN_TURN)
  take(SCANS, for_scans)
  take(EVENTS, wanted - #taken)
  take(SCANS, wanted - #taken)
end

-- Whether a job stands in the line of those that run alone; tokens at its head that were left behind are thrown away.
local function does_one_wait_alone()
  for _ = 1, MOST_LOOKS do
    local entity = redis.call('LINDEX', ALONE, 0)
    if not entity then
      return false
    end
    local job = job_of(entity)
    if job.state == 'r' and ready_list(job) == ALONE then
      return true
    end
    redis.call('LPOP', ALONE)
  end
  return false
end

local function take_jobs()
  if wanted == 0 then
    return 0
  end
  if redis.call('EXISTS', PAUSED) == 1 then
    return 3
  end
  if does_one_wait_alone() then
    if busy == 0 then
      take(ALONE, 1)
      if #taken > 0 then
        redis.call('DEL', DRAIN)
        return 1
      end
    else
      local drainer = redis.call('GET', DRAIN)
      if not drainer or drainer == worker then
        redis.call('SET', DRAIN, worker, 'PX', DRAIN_MS)
        return 2
      end
    end
  end
  take_turns()
  return was_broken_off and 4 or 0
end

local finished, entities = {}, {}
for i = FIRST, #ARGV, FIELDS do
  entities[#entities + 1] = ARGV[i]
end
load(entities)
for i = FIRST, #ARGV, FIELDS do
  finished[#finished + 1] = finish(i)
end
commit()

local note = take_jobs()
local rows = {}
local fence = #taken > 0 and issue(#taken) or 0
for i, job in ipairs(taken) do
  job.fence = fence + i - 1
  rows[i] = { job.entity, job.number, job.fence, job.wants, job.starts, job.failures, job.crashes,
    math.max(0, NOW_MS - job.since_ms), job.traces or '' }
end
commit()
return { finished, rows, note }
