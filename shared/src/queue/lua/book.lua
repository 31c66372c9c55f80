-- Shared by all scripts of the book; put in front of each when the program is built.
--
-- KEYS[1]  prefix of every key of one queue, e.g. {kanzleisync:beteiligte}. Further names are derived from it: they share
--          its hash tag, so they live on one node.
--
-- Time is Redis' own (TIME), in every script: clocks of the machines may differ by minutes.
--
-- A script reads jobs, changes them in memory, and writes them with commit(), which also keeps the indexes: no job is ever half
-- changed.
--
-- Invariants:
--   * An entity has at most one job: one field of the hash `jobs`.
--   * A job is in the index of its state: delayed, running and dead in the sorted set of that name; a ready one has at least
--     one token (its entity) in a ready list. Tokens are hints: whoever meets one asks the job whether it is ready. So a token
--     may be left behind where removing it would cost a search, and the lists need no removal.
local P = KEYS[1]
local JOBS, ISSUED, WORKERS, PAUSED = P .. ':jobs', P .. ':issued', P .. ':workers', P .. ':paused'
-- A worker that gave no sign of life for so long is no longer counted.
local WORKER_GONE_MS = 10000
local DELAYED, RUNNING, DEAD = P .. ':delayed', P .. ':running', P .. ':dead'
local EVENTS, SCANS, ALONE = P .. ':ready:events', P .. ':ready:scans', P .. ':ready:alone'
local INDEX = { d = DELAYED, x = RUNNING, k = DEAD }
local WAKE = P .. ':wake'

-- Who asks (rank). All but the scan come first; operators also end a back-off; a requeue also resets the counters.
local SCAN, EVENT, OPERATOR, REQUEUE = 0, 1, 2, 3
-- Crashed runs after which a job runs alone in its process, and after which it is dead (J3).
local ALONE_AFTER, CRASH_LIMIT = 2, 3

local time = redis.call('TIME')
local NOW_US = time[1] * 1000000 + time[2]
local NOW_MS = math.floor(NOW_US / 1000)

-- Lua prints large numbers as 1.7e+15; Redis keeps what it is given.
local function int(number)
  return string.format('%.0f', number)
end

-- The first of n numbers never given before in this queue, for jobs and fences: Redis' time in microseconds, moved on where
-- two fall together. Being times, they stay fresh even when a power cut takes the last second of the log, or Redis is wiped.
local function issue(n)
  local first = math.max(NOW_US, tonumber(redis.call('GET', ISSUED) or 0) + 1)
  redis.call('SET', ISSUED, int(first + n - 1))
  return first
end

local function merged(wants, more)
  return bit.tobit(bit.bor(wants, more)) % 4294967296
end

local jobs, changed = {}, {}

-- A record that cannot be read (somebody else wrote it) counts as none: it must not stop the others.
local function remember(entity, packed)
  local job, is_read = { entity = entity }, false
  if packed then
    is_read, job.state, job.number, job.wants, job.rank, job.since_ms, job.failures, job.crashes, job.starts, job.fence,
      job.owner, job.next_wants, job.next_rank, job.why, job.traces, job.next_traces = pcall(cmsgpack.unpack, packed)
    if not is_read then
      job.state = nil
    end
  end
  job.failures, job.crashes, job.starts = job.failures or 0, job.crashes or 0, job.starts or 0
  job.was = job.state
  jobs[entity] = job
  return job
end

-- Reads many jobs with one command; at most 1,000 entities, Lua's unpack has a limit.
local function load(entities)
  local unknown = {}
  for _, entity in ipairs(entities) do
    if not jobs[entity] then
      unknown[#unknown + 1] = entity
    end
  end
  if #unknown > 0 then
    local packed = redis.call('HMGET', JOBS, unpack(unknown))
    for i, entity in ipairs(unknown) do
      remember(entity, packed[i])
    end
  end
end

-- The job of an entity; its state is nil where there is none.
local function job_of(entity)
  return jobs[entity] or remember(entity, redis.call('HGET', JOBS, entity))
end

local function change(job)
  if not job.is_changed then
    job.is_changed = true
    changed[#changed + 1] = job
  end
end

local function make_ready(job, push)
  job.state, job.push = 'r', push or job.push or 'RPUSH'
  change(job)
end

local function make_delayed(job, due_ms)
  job.state, job.at, job.since_ms = 'd', due_ms, due_ms
  change(job)
end

-- In which line a ready job stands.
local function ready_list(job)
  if job.crashes >= ALONE_AFTER then
    return ALONE
  end
  return job.rank > SCAN and EVENTS or SCANS
end

local function bury(job, reason)
  job.state, job.at, job.why = 'k', NOW_MS, reason
  change(job)
end

local function erase(job)
  job.state = nil
  change(job)
end

-- The traces that a job carries, after one more trigger: the first, and the latest merged into it. Bounded, whatever comes (traces.rs).
local function carry(traces, more)
  if not traces or not more then
    return traces or more
  end
  return string.match(traces, '^%S+') .. ' ' .. string.match(more, '%S+$')
end

-- The end of a run, whatever comes next: what was asked for meanwhile belongs to the next one. Answers the rank of who asked.
local function end_run(job)
  local asked = job.next_rank
  if asked then
    job.wants, job.rank = merged(job.wants, job.next_wants), math.max(job.rank, asked)
    job.traces = carry(job.traces, job.next_traces)
  end
  job.fence, job.owner, job.next_wants, job.next_rank, job.next_traces = nil, nil, nil, nil, nil
  return asked
end

local function reset(job, crashes)
  job.failures, job.starts, job.crashes, job.why = 0, 0, crashes, nil
end

-- A dead job, or one that would be, that somebody asked for goes back to work: its cause may be gone. One that crashed too often
-- gets one more run, alone.
local function revive(job, asked)
  reset(job, asked == REQUEUE and 0 or math.min(job.crashes, ALONE_AFTER))
  job.since_ms = NOW_MS
  make_ready(job)
end

-- One trigger (J2). Answers what became of it: 0 new, 1 merged into the job that waits, 2 merged, and brought forward out of
-- its back-off, 3 the running one is followed by one more run, 4 a dead one is back at work, 5 it stays dead. A dead job stays
-- so for a scan (J3); what made it dead has changed only where somebody says so (revives).
local function trigger(job, wants, rank, revives, number, trace)
  if not job.state then
    job.number, job.wants, job.rank, job.since_ms, job.traces = number, wants, rank, NOW_MS, trace
    make_ready(job)
    return 0
  end
  if job.state == 'x' then
    job.next_wants = merged(job.next_wants or 0, wants)
    job.next_rank = math.max(job.next_rank or SCAN, rank)
    job.next_traces = carry(job.next_traces, trace)
    change(job)
    return 3
  end
  local was_dead = job.state == 'k'
  if was_dead and not revives then
    return 5
  end
  local line = ready_list(job)
  -- What a dead job was once asked for is over: an approval of deletions must not meet those of another day.
  job.wants, job.rank = was_dead and wants or merged(job.wants, wants), math.max(job.rank, rank)
  job.traces = carry(not was_dead and job.traces or nil, trace)
  change(job)
  if was_dead then
    revive(job, rank)
    return 4
  end
  if rank == REQUEUE then
    reset(job, 0)
  end
  if job.state == 'd' and rank >= OPERATOR then
    job.since_ms = NOW_MS
    make_ready(job)
    return 2
  end
  if job.state == 'r' and ready_list(job) ~= line then
    make_ready(job)
  end
  return 1
end

local function packed(job)
  if job.starts == 0 and job.failures == 0 and job.crashes == 0 and not job.why and not job.traces then
    return cmsgpack.pack(job.state, job.number, job.wants, job.rank, job.since_ms)
  end
  return cmsgpack.pack(job.state, job.number, job.wants, job.rank, job.since_ms, job.failures, job.crashes, job.starts,
    job.fence, job.owner, job.next_wants, job.next_rank, job.why, job.traces, job.next_traces)
end

-- A non-empty list has been told of already: whoever works takes from it until it is empty (and looks once a second).
local function push(command, list, tokens)
  return #tokens > 0 and redis.call(command, list, unpack(tokens)) == #tokens
end

-- Calls of a worker are numbered. One that arrives after a later one was sent over a connection that the worker has given up: nobody
-- waits for its answer, and it must not act any more.
local CALLS = P .. ':workers:calls'
local function is_late(worker, call)
  if tonumber(call) < tonumber(redis.call('HGET', CALLS, worker) or 0) then
    return true
  end
  redis.call('HSET', CALLS, worker, call)
  return false
end

-- Writes what was changed since the last commit: the records, the indexes, the wake-up. At most 2,000 jobs.
local function commit()
  if #changed == 0 then
    return
  end
  local set, gone = {}, {}
  local enter, leave = { d = {}, x = {}, k = {} }, { d = {}, x = {}, k = {} }
  local tokens = { RPUSH = { [EVENTS] = {}, [SCANS] = {}, [ALONE] = {} }, LPUSH = { [EVENTS] = {}, [SCANS] = {}, [ALONE] = {} } }
  for _, job in ipairs(changed) do
    local entity, was, state = job.entity, job.was, job.state
    if was ~= state and INDEX[was] then
      leave[was][#leave[was] + 1] = entity
    end
    if not state then
      if was then
        gone[#gone + 1] = entity
      end
    else
      set[#set + 1] = entity
      set[#set + 1] = packed(job)
      if state == 'r' and job.push then
        local list = tokens[job.push][ready_list(job)]
        list[#list + 1] = entity
      elseif state ~= 'r' and job.at then
        local index = enter[state]
        index[#index + 1] = int(job.at)
        index[#index + 1] = entity
      end
    end
    job.was, job.push, job.at, job.is_changed = state, nil, nil, nil
  end
  changed = {}
  if #gone > 0 then
    redis.call('HDEL', JOBS, unpack(gone))
  end
  if #set > 0 then
    redis.call('HSET', JOBS, unpack(set))
  end
  for state, index in pairs(INDEX) do
    if #leave[state] > 0 then
      redis.call('ZREM', index, unpack(leave[state]))
    end
    if #enter[state] > 0 then
      redis.call('ZADD', index, unpack(enter[state]))
    end
  end
  local is_work_new = false
  for command, lists in pairs(tokens) do
    for list, entities in pairs(lists) do
      is_work_new = push(command, list, entities) or is_work_new
    end
  end
  if is_work_new then
    redis.call('PUBLISH', WAKE, '1')
  end
end

