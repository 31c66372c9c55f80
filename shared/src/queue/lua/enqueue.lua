-- Takes triggers in: de-duplicates per entity, writes the jobs, makes them ready, wakes the workers (J2).
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  rank of who asks (see book.lua); ARGV[2] '1': dead jobs go back to work, '0': they stay dead
-- ARGV[3]  trace of who asks (see carry), '' for none
-- ARGV[4..] pairs of entity, wants bits; at most 1,000 pairs, so that no script holds Redis for longer than some milliseconds
-- Answer   flat list of result (see trigger), number of the job; one pair per trigger, in order
--
-- Repeating the call (a lost answer) merges the same bits again. If the job ran in between there is one more run.
local rank, revives, trace = tonumber(ARGV[1]), ARGV[2] == '1', ARGV[3] ~= '' and ARGV[3] or nil
local entities = {}
for i = 4, #ARGV, 2 do
  entities[#entities + 1] = ARGV[i]
end
load(entities)
local number = issue(#entities)
local answer = {}
for i, entity in ipairs(entities) do
  local job = job_of(entity)
  answer[2 * i - 1] = trigger(job, tonumber(ARGV[2 * i + 3]), rank, revives, number + i - 1, trace)
  answer[2 * i] = job.number
end
commit()
return answer
