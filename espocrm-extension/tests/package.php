<?php

/**
 * Whether the extension has what the Rust programs speak of, by name and kind, in both languages; `php espocrm-extension/tests/package.php`.
 * The names are read out of the sources: what is added there and forgotten here is found.
 */

declare(strict_types=1);

use Espo\Modules\Kanzleisync\Sync\StatusRule;

$root = dirname(__DIR__, 2);
$module = "$root/espocrm-extension/files/custom/Espo/Modules/Kanzleisync";
require "$module/Sync/StatusRule.php";

$problems = [];
$report = function (string $problem) use (&$problems): void {
    $problems[] = $problem;
};

/** @return list<string> */
function found(string $pattern, string $file): array
{
    $text = file_get_contents($file);
    if ($text === false || !preg_match_all($pattern, $text, $matches)) {
        fwrite(STDERR, "package: $file no longer looks as this check expects\n");
        exit(1);
    }

    return $matches[1];
}

/** @return array<string, mixed> */
function decoded(string $file): array
{
    return json_decode((string) file_get_contents($file), true, 64, JSON_THROW_ON_ERROR);
}

/** @param list<string> $a
 *  @param list<string> $b */
function sameSet(array $a, array $b): bool
{
    sort($a);
    sort($b);

    return $a === $b;
}

// What the programs speak of.
$wire = "$root/shared/src/espocrm/wire.rs";
$constants = found('/^    pub\(crate\) const \w+: &str = "(\w+)";$/m', $wire);
$ofEspoCrm = ['id', 'deleted', 'createdAt', 'modifiedAt', 'versionNumber', 'emailAddressData', 'phoneNumberData'];
$syncFields = array_values(array_diff($constants, $ofEspoCrm));
$stammdaten = found('/^        "(\w+)",$/m', $wire);
$statuses = found('/^            Self::\w+ => "(\w+)",$/m', "$root/domain/src/beteiligte/status.rs");
$kinds = found('/^    (?:synced|own)\("(\w+)", Kind::/m', "$root/simulator/src/espocrm/field.rs");
if (count($syncFields) !== 9 || count($stammdaten) !== 8 || count($statuses) !== 8) {
    $report('the names in the Rust sources are not 9 of the sync, 8 of the Stammdaten, 8 of the status: correct this check with them');
}

// Fields: those of the sync and of the Stammdaten but the three that every Person of EspoCRM has.
$entity = decoded("$module/Resources/metadata/entityDefs/CBeteiligte.json");
$fields = $entity['fields'];
$added = array_merge($syncFields, array_diff($stammdaten, ['lastName', 'firstName', 'salutationName']));
if (!sameSet(array_keys($fields), $added)) {
    $report('entityDefs: not the fields of wire.rs');
}
foreach (array_diff($added, $kinds) as $name) {
    $report("$name is no field of the simulator");
}
// Kinds and lengths as the simulator has them; it imitates what EspoCRM would do with this extension.
$kindOf = ['varchar' => 'Varchar', 'text' => 'Text', 'int' => 'Int', 'date' => 'Date', 'datetime' => 'Datetime', 'enum' => 'SyncStatus'];
$simulator = (string) file_get_contents("$root/simulator/src/espocrm/field.rs");
foreach ($fields as $name => $field) {
    $kind = ($kindOf[$field['type']] ?? '?') . (isset($field['maxLength']) ? "({$field['maxLength']})" : '');
    if (!str_contains($simulator, "(\"$name\", Kind::$kind)")) {
        $report("entityDefs: $name is of another kind than in the simulator: $kind");
    }
    // EspoCRM drops what anybody, our API user too, writes to such a field.
    if (!empty($field['readOnly'])) {
        $report("entityDefs: $name is readOnly: kanzleisync could not write it");
    }
    // One that is left out of the version check would let a status that a user's change has set be overwritten.
    if (!empty($field['optimisticConcurrencyControlIgnore'])) {
        $report("entityDefs: $name is left out of the version check");
    }
    if (in_array($name, $syncFields, true) && empty($field['duplicateIgnore'])) {
        $report("entityDefs: $name would be copied to a duplicate");
    }
}
if (($entity['optimisticConcurrencyControl'] ?? null) !== true) {
    $report('entityDefs: optimisticConcurrencyControl is not on');
}
// Empty: a record from before the extension, until it is saved the next time.
if (($fields['syncStatus']['options'] ?? []) !== ['', ...$statuses]) {
    $report('entityDefs: the options of syncStatus are not those of status.rs, after an empty one');
}

// What makes a record dirty is what the simulator has as synced, and the mails and phones.
$synced = found('/^    synced\("(\w+)"/m', "$root/simulator/src/espocrm/field.rs");
if (!sameSet(StatusRule::SYNCED_ATTRIBUTES, [...$synced, ...array_values(StatusRule::SYNCED_ARRAYS)])) {
    $report('StatusRule: not the synced fields of the simulator');
}
if (array_diff($stammdaten, StatusRule::SYNCED_ATTRIBUTES) !== [] || array_diff(array_keys(StatusRule::SYNCED_ARRAYS), $ofEspoCrm) !== []) {
    $report('StatusRule: not the fields of wire.rs');
}

// People may edit the number, nothing else of the sync.
$locked = decoded("$module/Resources/metadata/logicDefs/CBeteiligte.json")['fields'];
if (!sameSet(array_keys($locked), array_values(array_diff($syncFields, ['betnr'])))) {
    $report('logicDefs: not the fields that people must not edit');
}
$panel = decoded("$module/Resources/metadata/clientDefs/CBeteiligte.json")['sidePanels']['detail'][1];
foreach ($panel['options']['fieldList'] as $item) {
    if (!in_array($item['name'], $syncFields, true) || ($item['readOnly'] ?? null) !== true) {
        $report("clientDefs: {$item['name']} in the panel is no field of the sync, or not readOnly");
    }
}

// EspoCRM finds a class by its path.
foreach (new RecursiveIteratorIterator(new RecursiveDirectoryIterator($module, FilesystemIterator::SKIP_DOTS)) as $file) {
    if ($file->getExtension() === 'php') {
        $folder = str_replace('/', '\\', substr($file->getPath(), strlen($module)));
        $text = (string) file_get_contents($file->getPathname());
        $declared = preg_match('/^(?:final )?class ' . $file->getBasename('.php') . '\b/m', $text) === 1;
        if (!$declared || !str_contains($text, "\nnamespace Espo\\Modules\\Kanzleisync$folder;\n")) {
            $report("{$file->getBasename()}: namespace or class are not those of its path");
        }
    }
}

// Languages.
foreach (['en_US', 'de_DE'] as $language) {
    $texts = decoded("$module/Resources/i18n/$language/CBeteiligte.json");
    $wanted = [
        'fields' => array_keys($fields),
        'options' => ['syncStatus'],
        'labels' => [$panel['label']],
    ];
    foreach ($wanted as $section => $keys) {
        if (!sameSet(array_keys($texts[$section] ?? []), $keys)) {
            $report("i18n/$language: $section is not complete, or has more than there is");
        }
    }
    if (!sameSet(array_keys($texts['options']['syncStatus'] ?? []), $statuses)) {
        $report("i18n/$language: the options of syncStatus are not complete, or more than there are");
    }
    array_walk_recursive($texts, function (mixed $text, string $key) use ($report, $language): void {
        if (!is_string($text) || trim($text) === '') {
            $report("i18n/$language: $key has no text");
        }
    });
}

foreach ($problems as $problem) {
    fwrite(STDERR, "package: $problem\n");
}
if ($problems !== []) {
    exit(1);
}
echo 'package: ' . count($fields) . ' fields, ' . count($statuses) . " states, two languages\n";
