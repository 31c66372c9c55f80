<?php

declare(strict_types=1);

namespace Espo\Modules\Kanzleisync\Sync;

/**
 * What is synced of `emailAddressData` or `phoneNumberData`: values, the primary one, types of phones. Not the order, which EspoCRM leaves
 * open, and not `optOut` and `invalid`, which Advoware has no place for. Pure.
 */
final class Entries
{
    /**
     * Whether storing `$after` in place of `$before` changes something that is synced.
     *
     * @param mixed $after An array of objects; EspoCRM stores nothing where it is null.
     */
    public static function differ(mixed $before, mixed $after, string $valueKey): bool
    {
        return is_array($after) && self::synced(is_array($before) ? $before : [], $valueKey) !== self::synced($after, $valueKey);
    }

    /**
     * @param array<mixed> $elements
     * @return array<string, array{string, string, bool}> By EspoCRM's key of the element, in a fixed order.
     */
    private static function synced(array $elements, string $valueKey): array
    {
        $entries = [];
        foreach ($elements as $element) {
            $element = (array) $element;
            $value = trim((string) ($element[$valueKey] ?? ''));
            // EspoCRM skips elements without value.
            if ($value !== '') {
                // A letter before the key: PHP would turn a key of digits into a number.
                $key = 'k' . strtolower($value);
                $entries[$key] = [$value, (string) ($element['type'] ?? ''), !empty($element['primary'])];
            }
        }

        // No primary marked: EspoCRM makes the first one primary.
        $first = array_key_first($entries);
        if ($first !== null && !in_array(true, array_column($entries, 2), true)) {
            $entries[$first][2] = true;
        }
        ksort($entries);

        return $entries;
    }
}
