-- Takes triggers in: de-duplicates per entity, writes the jobs, makes them ready, wakes the workers (J2).
--
-- KEYS[1]  prefix of the queue
-- ARGV[1]  '1': an operator asks, jobs in back-off come forward; '0': they keep their time
-- ARGV[2..] pairs of entity, wants bits; at most 1,000 pairs, so that no script holds Redis for longer than some milliseconds
-- Answer   flat list of result (see trigger), id; one pair per trigger, in order
--
-- Repeating the call (a lost answer) merges the same bits again: nothing changes but the result's name.
local operator = ARGV[1] == '1'
local answer, work = {}, false
for i = 2, #ARGV, 2 do
  local result, id, ready = trigger(ARGV[i], ARGV[i + 1], operator)
  answer[#answer + 1] = result
  answer[#answer + 1] = id
  work = work or ready
end
if work then
  wake()
end
return answer
