<?php

declare(strict_types=1);

namespace Espo\Modules\Kanzleisync\Setup;

use stdClass;

/**
 * Where the firm's own metadata of CBeteiligte (custom/Espo/Custom), which go before a module's, would hide what the extension brings.
 * Pure: each function changes what it is given and tells whether it did.
 */
final class CustomMetadata
{
    private const APPEND = '__APPEND__';

    /**
     * An entity made in the Entity Manager has its own list of side panels, which replaces a module's unless it says to be appended.
     * That word may stay when the extension is removed: the list is then appended to nothing.
     */
    public static function showPanel(stdClass $clientDefs): bool
    {
        $panels = $clientDefs->sidePanels->detail ?? null;
        if (!is_array($panels) || in_array(self::APPEND, $panels, true)) {
            return false;
        }
        $clientDefs->sidePanels->detail = [self::APPEND, ...$panels];

        return true;
    }

    /** Saving the entity in the Entity Manager writes the switch down, also where it is off. */
    public static function switchConcurrencyControlOn(stdClass $entityDefs): bool
    {
        if (($entityDefs->optimisticConcurrencyControl ?? true) === true) {
            return false;
        }
        $entityDefs->optimisticConcurrencyControl = true;

        return true;
    }
}
